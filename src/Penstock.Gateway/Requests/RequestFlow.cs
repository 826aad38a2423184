using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Core.Primitives;
using Penstock.Gateway.Identity;
using Penstock.Gateway.Observability;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Requests;

/// <summary>
/// The life of a request: identify, read, select a model, then route, dispatch and relay until one attempt has given
/// its answer, and settle. Stages return a failure or nothing; all branching is here.
/// </summary>
internal sealed partial class RequestFlow(FlowParts parts, FleetRuntime fleet, ILogger<RequestFlow> log)
{
    private readonly ExchangePool _exchanges = new(parts, new FaultBoundary(log));

    /// <summary>Requests that are being served now.</summary>
    public int InFlight => _exchanges.InUse;

    /// <summary>Where the tokens of prompts come from.</summary>
    public TokenPrompts Prompts => parts.Prompts;

    /// <summary>Set once the gateway drains: what is under way goes on, nothing new begins.</summary>
    public bool Draining { get; set; }

    /// <summary>Serves one request to its end; throws nothing.</summary>
    public async Task HandleAsync(HttpContext http, Dialect dialect, Operation operation)
    {
        var pools = fleet.Current;
        var x = _exchanges.Rent();
        x.Begin(http, pools, dialect, operation, parts.Time);
        RequestTelemetry.Began(x);
        Failure? failure = null;
        try
        {
            failure = Open(x)
                ?? Identify(x)
                ?? await BodyReading.ReadAsync(x)
                ?? SelectModel(x)
                ?? await ServeAsync(x);
            if (failure is not null)
            {
                await Reply.FailAsync(x, failure);
            }
        }
        catch (Exception e) when (IsClientGone(x, e))
        {
            failure = new Failure(FailureKind.ClientClosed, "the client went away");
        }
        catch (Exception e)
        {
            failure = Broken(x, e);
            await Reply.FailQuietlyAsync(x, failure);
        }
        finally
        {
            parts.Settlement.CloseOpenAttempt(x, failure);
            parts.Telemetry.Ended(x, failure);
            _exchanges.Return(x);
        }
    }

    /// <summary>Runs over the exchanges in flight: watchdogs and pings.</summary>
    public void Sweep() => _exchanges.Sweep();

    private Failure? Open(Exchange x) =>
        Draining ? Overload.Draining()
        : _exchanges.InUse > x.Fleet.Limits.InFlightMax ? Overload.AtGateway()
        : null;

    private static Failure? Identify(Exchange x)
    {
        var key = KeyRing.Identify(x.Http.Request.Headers, x.Fleet);
        if (key is null)
        {
            return KeyRing.Refusal(x.Http.Request.Headers);
        }

        x.Key = key;
        return null;
    }

    /// <summary>In the fleet of now: the body may have taken long to come, and replicas may be gone since.</summary>
    private Failure? SelectModel(Exchange x)
    {
        x.Use(fleet.Current);
        return ModelSelection.Select(x);
    }

    /// <summary>One attempt after another, until one has answered or nothing is left to try.</summary>
    private async Task<Failure?> ServeAsync(Exchange x)
    {
        parts.Retries.Earn(x.Fleet.Routing.RetryBudget);
        if (TokenPrompts.PoolFor(x) is { } pool)
        {
            await parts.Prompts.PrepareAsync(x, pool);
        }

        while (true)
        {
            if (!parts.Dispatch.TryRoute(x))
            {
                if (x.Failures.Last is not null)
                {
                    parts.Retries.GiveBack();
                }

                return x.Failures.Last ?? Overload.NoReplica(x.Model);
            }

            if (x.Failures.Last is not null)
            {
                parts.Telemetry.Retried();
            }

            var failed = await parts.Dispatch.RunAsync(x);
            if (failed is null)
            {
                return null;
            }

            if (failed.Relayed)
            {
                return null;
            }

            x.Failures.Add(x.Attempt.Pool, x.Attempt.Decision.Replica, failed.Failure);
            if (!failed.Elsewhere || x.Attempts >= x.Fleet.Routing.AttemptsMax || x.ClientGone
                || !parts.Retries.TrySpend())
            {
                return failed.Failure;
            }
        }
    }

    private static bool IsClientGone(Exchange x, Exception e) =>
        e is ConnectionResetException || (x.ClientGone && e is OperationCanceledException or IOException);

    private Failure Broken(Exchange x, Exception e)
    {
        Log.Broken(log, e, x.IdText);
        return new Failure(
            FailureKind.Internal,
            e is InvariantException ? "an internal check failed; the request was stopped" : "an internal error");
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "request {RequestId} failed by a fault of the gateway's own")]
        public static partial void Broken(ILogger logger, Exception exception, string requestId);
    }
}
