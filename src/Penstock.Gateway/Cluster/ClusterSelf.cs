using System.Security.Cryptography;
using Penstock.Core.Config;

namespace Penstock.Gateway.Cluster;

/// <summary>
/// Who this gateway is to the others. The epoch tells this process from earlier ones of the same name: the later one
/// has the greater, and wins.
/// </summary>
internal sealed class ClusterSelf(string node, long epoch)
{
    private long _epoch = epoch;

    public string Node { get; } = node;

    public long Epoch
    {
        get => Volatile.Read(ref _epoch);

        // A database that remembers a later one hands out a later one still.
        set => Volatile.Write(ref _epoch, value);
    }

    /// <summary>The URL that others use; known once the port is open.</summary>
    public Uri? Address { get; set; }

    /// <summary>As configured; a missing name is made of the machine's and six random hex digits.</summary>
    public static ClusterSelf Of(ClusterSnapshot settings, TimeProvider time) => new(
        settings.Node ?? Draw(), time.GetUtcNow().ToUnixTimeMilliseconds());

    private static string Draw()
    {
        var machine = new string([.. Environment.MachineName.Where(static c => c is > ' ' and <= '~').Take(200)]);
        return $"{machine}-{RandomNumberGenerator.GetHexString(6, lowercase: true)}";
    }
}
