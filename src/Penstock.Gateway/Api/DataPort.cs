using Microsoft.AspNetCore.Http;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Requests;

namespace Penstock.Gateway.Api;

/// <summary>
/// The paths that clients use. Routes on the path alone; a query such as <c>?beta=true</c> means nothing.
/// </summary>
internal sealed class DataPort(RequestFlow flow, FleetRuntime fleet)
{
    private const string ModelPrefix = "/v1/models/";

    public Task HandleAsync(HttpContext http)
    {
        var path = http.Request.Path.Value ?? "";
        return path switch
        {
            "/v1/messages" => Post(http, Dialect.Anthropic, Operation.Generate),
            "/v1/chat/completions" => Post(http, Dialect.OpenAiChat, Operation.Generate),
            "/v1/messages/count_tokens" => Post(http, Dialect.Anthropic, Operation.CountTokens),
            "/v1/models" => ModelsApi.ListAsync(http, fleet.Current.Snapshot),
            "/api/hello" => Hello(http),
            "/livez" => Empty(http, StatusCodes.Status200OK),
            "/readyz" => Empty(http, IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable),
            _ when path.StartsWith(ModelPrefix, StringComparison.Ordinal) =>
                ModelsApi.GetAsync(http, fleet.Current.Snapshot, path[ModelPrefix.Length..]),
            _ => GatewayErrors.WriteAsync(
                http, new Failure(FailureKind.NotFound, $"there is no {http.Request.Method} {path} here")),
        };
    }

    /// <summary>New requests would be served.</summary>
    public bool IsReady => !flow.Draining && fleet.IsRoutable;

    private Task Post(HttpContext http, Dialect dialect, Operation operation)
    {
        if (HttpMethods.IsPost(http.Request.Method))
        {
            return flow.HandleAsync(http, dialect, operation);
        }

        http.Response.Headers.Allow = "POST";
        return GatewayErrors.WriteAsync(
            http,
            new Failure(FailureKind.MethodNotAllowed, $"{http.Request.Method} is not allowed here, use POST"),
            dialect);
    }

    private static Task Hello(HttpContext http)
    {
        http.Response.Headers["request-id"] = RequestIds.Format(Guid.CreateVersion7());
        return Empty(http, StatusCodes.Status200OK);
    }

    private static Task Empty(HttpContext http, int status)
    {
        http.Response.StatusCode = status;
        http.Response.ContentLength = 0;
        return Task.CompletedTask;
    }
}
