namespace Penstock.Core.Routing.Policies;

/// <summary>What is known of an engine's own queue and memory, for the rules that rest on what engines
/// report.</summary>
/// <remarks>
/// It is the last report, however old: the rules that rest on polled figures are to show what that costs. An engine
/// that never reported is taken to run what gateways have in flight there, and this node's requests whose first token
/// has not come are taken to wait. Where it does not tell its KV usage, that is the tokens in flight over the capacity,
/// and 0 where the capacity is not known either.
/// </remarks>
/// <param name="Running">Requests that it works on.</param>
/// <param name="Waiting">Requests that wait in it.</param>
/// <param name="KvUsage">Share of its KV cache in use, 0 to 1.</param>
internal readonly record struct EngineView(int Running, int Waiting, double KvUsage)
{
    public static EngineView Of(in Candidate candidate, in ReplicaLoad load)
    {
        var reported = double.IsFinite(candidate.LoadAge);
        var usage = load.Reported.KvUsage;
        if (double.IsNaN(usage))
        {
            usage = load.Shape.CapacityTokens > 0
                ? (candidate.PrefillTokens + candidate.DecodeTokens) / (double)load.Shape.CapacityTokens
                : 0;
        }

        return new EngineView(
            reported ? load.Reported.Running : candidate.InFlight - load.Prefilling,
            reported ? load.Reported.Waiting : load.Prefilling,
            Math.Clamp(usage, 0, 1));
    }
}
