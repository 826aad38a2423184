using System.Globalization;

namespace Penstock.Bench.Processes;

/// <summary>The kernel's table of TCP connections.</summary>
internal static class TcpTable
{
    private const string EstablishedState = "01";

    /// <summary>Connections that a listener on a port has accepted, of any process.</summary>
    public static int Established(int port)
    {
        var suffix = string.Create(CultureInfo.InvariantCulture, $":{port:X4}");
        return File.ReadLines("/proc/net/tcp")
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Count(columns => columns[1].EndsWith(suffix, StringComparison.Ordinal) && columns[3] == EstablishedState);
    }
}
