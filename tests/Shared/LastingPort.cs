using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Penstock.Tests.Shared;

/// <summary>
/// Ports of 127.0.0.1 for servers that are started again on the same port. A port that the system picks is one that it
/// also gives to outgoing connections, so another may hold it while the server is down; these lie outside that range.
/// </summary>
internal static class LastingPort
{
    private const int Lowest = 10_240;

    // Where the system's range is not told: what most systems start theirs with.
    private const int UsualFirstOutgoing = 32_768;

    private static readonly int s_firstOutgoing = FirstOutgoing();

    // Two test programs at once begin far from each other.
    private static int s_next = Environment.ProcessId * 97;

    /// <summary>A port that nothing listens on and that no other call of this process was given lately.</summary>
    public static int Next()
    {
        for (var attempt = 0; attempt < s_firstOutgoing - Lowest; attempt++)
        {
            var step = (uint)Interlocked.Increment(ref s_next);
            var port = Lowest + (int)(step % (uint)(s_firstOutgoing - Lowest));
            if (IsFree(port))
            {
                return port;
            }
        }

        throw new InvalidOperationException($"no free port of 127.0.0.1 from {Lowest} to {s_firstOutgoing - 1}");
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int FirstOutgoing()
    {
        const string Range = "/proc/sys/net/ipv4/ip_local_port_range";
        var first = File.Exists(Range)
            ? int.Parse(File.ReadAllText(Range).Split('\t', ' ')[0], CultureInfo.InvariantCulture)
            : UsualFirstOutgoing;
        return Math.Max(first, Lowest + 4_096);
    }
}
