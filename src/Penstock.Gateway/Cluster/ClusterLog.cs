using Microsoft.Extensions.Logging;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Cluster;

/// <summary>What the cluster says in the log: once for each change, never for each try.</summary>
internal static partial class ClusterLog
{
    [LoggerMessage(40, LogLevel.Information, "gateway {Peer} at {Address} is told what this one has in flight")]
    public static partial void Up(ILogger logger, string peer, Uri address);

    [LoggerMessage(41, LogLevel.Warning, "gateway at {Address} cannot be told what this one has in flight: {Reason}")]
    public static partial void Down(ILogger logger, Uri address, string reason);

    [LoggerMessage(42, LogLevel.Warning, "gateway {Peer} is silent; what it had in flight is left out")]
    public static partial void Silent(ILogger logger, string peer);

    [LoggerMessage(43, LogLevel.Information, "gateway {Peer} is heard")]
    public static partial void Heard(ILogger logger, string peer);

    [LoggerMessage(44, LogLevel.Warning, "gateway {Peer} sends what cannot be read ({Failure}); its stream was ended")]
    public static partial void Broken(ILogger logger, string peer, PeerFailure failure);

    [LoggerMessage(45, LogLevel.Warning, "a stream from {From} was not let in, with status {Status}")]
    public static partial void Refused(ILogger logger, string from, int status);

    [LoggerMessage(46, LogLevel.Warning, "the database of the cluster does not answer, going on with who is known: "
        + "{Reason}")]
    public static partial void DatabaseGone(ILogger logger, string reason);

    [LoggerMessage(47, LogLevel.Information, "the database of the cluster answers; this gateway is {Node}, epoch "
        + "{Epoch}")]
    public static partial void DatabaseBack(ILogger logger, string node, long epoch);

    [LoggerMessage(48, LogLevel.Error, "another gateway is called {Node} too; give each a name of its own "
        + "(cluster.node)")]
    public static partial void NameTaken(ILogger logger, string node);

    [LoggerMessage(49, LogLevel.Error, "the stream of gateway {Peer} failed, by a fault of this gateway's own")]
    public static partial void Faulted(ILogger logger, Exception fault, string peer);

    [LoggerMessage(50, LogLevel.Warning, "replicas that are new here are not shared with other gateways any more: this "
        + "one has given out all names that it can since it started ({Max}); restart it")]
    public static partial void NamesSpent(ILogger logger, int max);
}
