using Penstock.Core.Config;
using Penstock.Core.Outcomes;

namespace Penstock.Gateway.Requests;

/// <summary>What is said where there is no room.</summary>
internal static class Overload
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    public static Failure Draining() => new(FailureKind.Draining, "this gateway is shutting down", RetryAfter: Soon);

    public static Failure AtGateway() =>
        new(FailureKind.Overloaded, "Overloaded: this gateway has no room for another request", RetryAfter: Soon);

    public static Failure NoReplica(ModelSnapshot model) =>
        new(FailureKind.Overloaded, $"Overloaded: no replica of {model.Id} can take a request now", RetryAfter: Soon);

    public static Failure JournalFull() =>
        new(FailureKind.Overloaded, "Overloaded: the usage journal is full", RetryAfter: TimeSpan.FromSeconds(5));
}
