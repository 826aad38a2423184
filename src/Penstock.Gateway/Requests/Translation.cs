using Penstock.Core.Models;
using Penstock.Core.Outcomes;

namespace Penstock.Gateway.Requests;

/// <summary>Bodies from one dialect to the other, into the exchange's translation buffer.</summary>
internal static class Translation
{
    public static Failure? Request(Exchange x, Dialect engine, string model) =>
        new(FailureKind.NotSupported, "translation is not here yet");

    public static Failure? Response(Exchange x, Dialect engine) =>
        new(FailureKind.NotSupported, "translation is not here yet");
}
