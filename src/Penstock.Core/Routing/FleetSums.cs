using System.Runtime.CompilerServices;

namespace Penstock.Core.Routing;

/// <summary>The replicas that a decision can choose from, all together.</summary>
internal struct FleetSums
{
    /// <summary>How many there are.</summary>
    public int Eligible;

    /// <summary>Of these, the ones with prefill in flight.</summary>
    public int Prefilling;

    /// <summary>Requests of this node in flight there.</summary>
    public int InFlightHere;

    /// <summary>Requests of all nodes.</summary>
    public int InFlight;

    /// <summary>Seconds of prefill in flight, each replica's at its own rate.</summary>
    public double BacklogSeconds;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(in Candidate candidate, in ReplicaLoad load)
    {
        if (candidate.Ineligible == Ineligible.No)
        {
            Eligible++;
            Prefilling += candidate.PrefillTokens > 0 ? 1 : 0;
            InFlightHere += load.InFlight;
            InFlight += candidate.InFlight;
            BacklogSeconds += candidate.PrefillTokens * load.PrefillSecondsEach;
        }
    }
}
