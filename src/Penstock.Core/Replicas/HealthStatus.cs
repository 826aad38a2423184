namespace Penstock.Core.Replicas;

/// <summary>What is believed of a replica.</summary>
public enum HealthStatus : byte
{
    /// <summary>Nothing has been seen yet. Requests may go there: the first outcome tells.</summary>
    Unknown,

    /// <summary>Works.</summary>
    Healthy,

    /// <summary>Failed lately, too few times to be ejected. Requests still go there; probes come sooner.</summary>
    Suspect,

    /// <summary>Ejected: no request goes there. Probes go on, ever less often.</summary>
    Unhealthy,

    /// <summary>On probation after a probe succeeded again: a few requests at a time go there.</summary>
    Recovering,
}

/// <summary>Which kind of evidence ejected a replica: the same kind has to clear it.</summary>
public enum EjectionCause : byte
{
    None,
    Probes,
    Requests,
    Connect,
}
