namespace Penstock.Core.Outcomes;

/// <summary>Who a failure is to be laid at.</summary>
public enum Blame
{
    None,
    Client,
    Policy,
    Capacity,
    Engine,
    Us,
}

/// <summary>
/// What can go wrong with a request. The table from kind to HTTP status, error type and retry advice is one, in
/// <c>Penstock.Wire</c>, for every dialect.
/// </summary>
public enum FailureKind
{
    /// <summary>The body or a header is wrong; the message names the field.</summary>
    InvalidRequest,

    /// <summary>No key, or one that is not known.</summary>
    Unauthenticated,

    /// <summary>A known key that may not do this.</summary>
    PermissionDenied,

    /// <summary>No such path or object.</summary>
    NotFound,

    /// <summary>No such model, for this caller.</summary>
    ModelNotFound,

    /// <summary>The path exists, the method does not.</summary>
    MethodNotAllowed,

    /// <summary>The body is larger than allowed.</summary>
    TooLarge,

    /// <summary>A limit of the caller's was reached.</summary>
    RateLimited,

    /// <summary>A budget of the caller's was reached.</summary>
    BudgetExceeded,

    /// <summary>No capacity now; the caller may retry.</summary>
    Overloaded,

    /// <summary>The engine failed or cut the connection.</summary>
    EngineFailed,

    /// <summary>The engine did not answer in time.</summary>
    EngineTimeout,

    /// <summary>Nothing behind this gateway can do this.</summary>
    NotSupported,

    /// <summary>The client went away; nothing is answered.</summary>
    ClientClosed,

    /// <summary>The gateway is draining and takes no new work.</summary>
    Draining,

    /// <summary>A bug or an outage of our own.</summary>
    Internal,
}

/// <summary>
/// A failure as a value: what, in words for the caller, and where it helps the field at fault and the time to wait.
/// </summary>
public sealed record Failure(
    FailureKind Kind, string Message, string? Param = null, TimeSpan? RetryAfter = null, string? Code = null)
{
    /// <summary>Who the failure is to be laid at.</summary>
    public Blame Blame => Kind switch
    {
        FailureKind.InvalidRequest or FailureKind.Unauthenticated or FailureKind.NotFound
            or FailureKind.ModelNotFound or FailureKind.MethodNotAllowed or FailureKind.TooLarge
            or FailureKind.ClientClosed => Blame.Client,
        FailureKind.PermissionDenied or FailureKind.RateLimited or FailureKind.BudgetExceeded => Blame.Policy,
        FailureKind.Overloaded or FailureKind.Draining => Blame.Capacity,
        FailureKind.EngineFailed or FailureKind.EngineTimeout => Blame.Engine,
        FailureKind.NotSupported => Blame.Client,
        _ => Blame.Us,
    };
}
