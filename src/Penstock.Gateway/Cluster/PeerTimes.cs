namespace Penstock.Gateway.Cluster;

/// <summary>The times of the traffic between gateways, in one place.</summary>
internal static class PeerTimes
{
    /// <summary>What changed within this goes out together: how old news are when they leave.</summary>
    public static readonly TimeSpan BatchEvery = TimeSpan.FromMilliseconds(25);

    /// <summary>A stream without news says this often that it is there.</summary>
    public static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(1);

    /// <summary>A node that was not heard for this long counts as gone, and what it had in flight as ended.</summary>
    public static readonly TimeSpan SilentAfter = TimeSpan.FromSeconds(3);

    /// <summary>A stream that was silent for this long is closed.</summary>
    public static readonly TimeSpan CloseAfter = TimeSpan.FromSeconds(10);

    /// <summary>A node that was gone for this long is forgotten.</summary>
    public static readonly TimeSpan ForgetAfter = TimeSpan.FromMinutes(1);

    /// <summary>A peer that takes no bytes for this long is reconnected to.</summary>
    public static readonly TimeSpan StalledAfter = TimeSpan.FromSeconds(5);

    /// <summary>To connect, and from there to an answer.</summary>
    public static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(3);

    /// <summary>The pause after the first failure; each further one doubles it, drawn between half and all of it.
    /// </summary>
    public static readonly TimeSpan RetryFirst = TimeSpan.FromMilliseconds(100);

    public static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(5);

    /// <summary>A stream that ends sooner was none: the next one comes later, as after a failure.</summary>
    public static readonly TimeSpan SettledAfter = TimeSpan.FromSeconds(5);

    /// <summary>How long a node says goodbye.</summary>
    public static readonly TimeSpan LeaveWithin = TimeSpan.FromSeconds(1);
}
