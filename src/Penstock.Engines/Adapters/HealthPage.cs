using Penstock.Core.Replicas;
using Penstock.Engines.Probing;

namespace Penstock.Engines.Adapters;

/// <summary>What the answer to a health probe says.</summary>
internal static class HealthPage
{
    /// <summary>The engine has a health page: 200 is well, and nothing else is.</summary>
    public static HealthSignal Read(EngineAnswer answer) => answer.End switch
    {
        AnswerEnd.ConnectFailed or AnswerEnd.TlsFailed => HealthSignal.ConnectFailed,
        AnswerEnd.TimedOut => HealthSignal.ProbeTimedOut,
        _ => answer.IsOk && !answer.IsWebPage ? HealthSignal.ProbeSucceeded : HealthSignal.ProbeFailed,
    };

    /// <summary>
    /// Another page stands in for one: that it is missing (404, 405) or asked for too often (429) says nothing bad
    /// about the engine. That it refuses the key does: requests would be refused as well.
    /// </summary>
    public static HealthSignal ReadStandIn(EngineAnswer answer) =>
        answer.End == AnswerEnd.Answered && answer.Status is 404 or 405 or 429 or 529
            ? HealthSignal.ProbeSucceeded
            : Read(answer);
}
