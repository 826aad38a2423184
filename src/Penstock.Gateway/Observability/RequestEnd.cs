using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Requests;

namespace Penstock.Gateway.Observability;

/// <summary>How one request ended: what metrics, log and span have in common, worked out once.</summary>
internal readonly struct RequestEnd
{
    /// <summary>What nginx calls a client that left before its answer began; it never goes over the wire.</summary>
    private const int ClientLeft = 499;

    private RequestEnd(Exchange x, Failure? failure, TimeSpan total)
    {
        Failure = failure;
        Total = total;
        Record = x.Record;
        Outcome = OutcomeOf(x, failure);
        Status = failure?.Kind == FailureKind.ClientClosed && !x.Http.Response.HasStarted
            ? ClientLeft
            : x.Http.Response.StatusCode;
    }

    /// <summary>What the gateway itself answered with; null where the engine's answer was relayed.</summary>
    public Failure? Failure { get; }

    /// <summary>From the request's head to its end.</summary>
    public TimeSpan Total { get; }

    /// <summary>The gateway's own share of the time until the answer began.</summary>
    public TimeSpan Overhead { get; private init; }

    /// <summary>One of a fixed set of words.</summary>
    public string Outcome { get; }

    public int Status { get; }

    public DecisionRecord? Record { get; }

    public static RequestEnd Of(Exchange x, Failure? failure, TimeProvider time)
    {
        var now = time.GetTimestamp();
        return new RequestEnd(x, failure, time.GetElapsedTime(x.StartedAt, now))
        {
            Overhead = x.Overhead ?? time.GetElapsedTime(x.StartedAt, Math.Max(x.StartedAt, now - x.EngineTicks)),
        };
    }

    /// <summary>The word for a failure that the gateway answered itself.</summary>
    public static string NameOf(FailureKind kind) => kind switch
    {
        FailureKind.InvalidRequest => "invalid_request",
        FailureKind.Unauthenticated => "unauthenticated",
        FailureKind.PermissionDenied => "permission_denied",
        FailureKind.NotFound => "not_found",
        FailureKind.ModelNotFound => "model_not_found",
        FailureKind.MethodNotAllowed => "method_not_allowed",
        FailureKind.TooLarge => "too_large",
        FailureKind.RateLimited => "rate_limited",
        FailureKind.BudgetExceeded => "budget_exceeded",
        FailureKind.Overloaded => "overloaded",
        FailureKind.EngineFailed => "engine_failed",
        FailureKind.EngineTimeout => "engine_timeout",
        FailureKind.NotSupported => "not_supported",
        FailureKind.ClientClosed => "client_gone",
        FailureKind.Draining => "draining",
        _ => "internal",
    };

    public static string NameOf(Dialect dialect) => dialect == Dialect.Anthropic ? "anthropic" : "openai_chat";

    /// <summary>An engine's refusal that was relayed, and what went wrong in the middle of a stream, are told by the
    /// last attempt; a count that the gateway estimated has no attempt that reached an engine.</summary>
    private static string OutcomeOf(Exchange x, Failure? failure) =>
        failure is not null ? NameOf(failure.Kind)
        : x.Record is null or { Outcome: "in_flight" } || x.Operation == Operation.CountTokens
            && x.Http.Response.StatusCode < 300 ? "completed"
        : x.Record.Outcome;
}
