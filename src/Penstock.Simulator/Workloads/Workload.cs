using Penstock.Core.Primitives;

namespace Penstock.Simulator.Workloads;

/// <summary>
/// Who asks what and when. An open loop says all its arrivals at the start; a closed loop waits for answers and tells
/// the next arrival when one has come. Runs once; the same arguments give the same requests at the same answers.
/// </summary>
public abstract class Workload
{
    /// <summary>Tells the first arrivals.</summary>
    public abstract void Start(IArrivals arrivals);

    /// <summary>The answer to a request has come to its end, or the request failed.</summary>
    public virtual void Ended(FleetRequest request, Instant at, IArrivals arrivals)
    {
    }
}

/// <summary>Where a workload's requests go.</summary>
public interface IArrivals
{
    /// <summary>The request comes at that time, which is not in the past.</summary>
    void Arrive(Instant at, FleetRequest request);
}
