using System.Globalization;
using System.Numerics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Penstock.Gateway.Cluster.Outgoing;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Cluster.Incoming;

/// <summary>
/// Who is let in. Nothing is read of a stream before its sender has shown that it knows the secret; a refusal says
/// what is wrong by its status, and is logged ever more rarely.
/// </summary>
internal sealed class PeerDoor(
    ClusterSelf self, PeerProof proof, PeerViews views, ClusterCounters counters, ILogger log)
{
    public async Task HandleAsync(HttpContext http, CancellationToken stopping)
    {
        var refusal = Check(http.Request, out var node, out var epoch);
        if (refusal != 0)
        {
            Refuse(http, refusal);
            return;
        }

        var (stream, let) = views.Let(node, epoch, http.Abort);
        if (stream is null || !let)
        {
            Refuse(http, stream is null ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status409Conflict);
            return;
        }

        try
        {
            SayWho(http);
            await http.Response.StartAsync(stopping);
            await http.Response.BodyWriter.FlushAsync(stopping);
            using var cut = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
            var failure = await stream.RunAsync(http.Request.BodyReader, cut.Token);
            if (failure != PeerFailure.None)
            {
                Break(http, node, failure);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or BadHttpRequestException)
        {
            // It broke, or this gateway stops: the watch for silence sees to the rest.
            http.Abort();
        }
#pragma warning disable CA1031 // Whatever goes wrong with one peer stays with it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            ClusterLog.Faulted(log, e, node);
            http.Abort();
        }
        finally
        {
            stream.Release();
        }
    }

    private int Check(HttpRequest request, out string node, out long epoch)
    {
        node = request.Headers[PeerProof.NodeHeader].ToString();
        epoch = -1;
        if (request.Path.Value != PeerLink.Path)
        {
            return StatusCodes.Status404NotFound;
        }

        if (!HttpMethods.IsPost(request.Method))
        {
            return StatusCodes.Status405MethodNotAllowed;
        }

        if (node.Length is 0 or > PeerFormat.NameBytesMax
            || node.AsSpan().ContainsAnyExceptInRange('!', '~')
            || !long.TryParse(request.Headers[PeerProof.EpochHeader], NumberStyles.None, CultureInfo.InvariantCulture,
                out epoch)
            || !proof.IsRight(request.Headers.Authorization.ToString(), node, epoch))
        {
            return StatusCodes.Status401Unauthorized;
        }

        if (request.Headers[PeerProof.VersionHeader]
            != PeerFormat.Version.ToString(CultureInfo.InvariantCulture))
        {
            return StatusCodes.Status426UpgradeRequired;
        }

        return node == self.Node ? StatusCodes.Status421MisdirectedRequest : 0;
    }

    private void Refuse(HttpContext http, int status)
    {
        http.Response.StatusCode = status;
        if (status == StatusCodes.Status421MisdirectedRequest)
        {
            // Found in a list that has this gateway too, or in a line to two of the same name: the caller knows which.
            SayWho(http);
            return;
        }

        if (status != StatusCodes.Status401Unauthorized)
        {
            SayWho(http);
        }

        counters.Refuse();
        if (BitOperations.IsPow2(counters.Refused))
        {
            ClusterLog.Refused(log, http.Connection.RemoteIpAddress?.ToString() ?? "nowhere", status);
        }
    }

    private void Break(HttpContext http, string node, PeerFailure failure)
    {
        counters.Break();
        if (BitOperations.IsPow2(counters.Broken))
        {
            ClusterLog.Broken(log, node, failure);
        }

        http.Features.Get<IHttpResetFeature>()?.Reset(1 /* PROTOCOL_ERROR, RFC 9113 section 7 */);
    }

    private void SayWho(HttpContext http)
    {
        http.Response.Headers[PeerProof.NodeHeader] = self.Node;
        http.Response.Headers[PeerProof.EpochHeader] = self.Epoch.ToString(CultureInfo.InvariantCulture);
    }
}
