using System.Globalization;
using System.Net;

namespace Penstock.Engines.KvEvents;

/// <summary>One end of a publisher as we have to deal with it: an address to connect to, or one to bind.</summary>
/// <param name="Address">Host and port.</param>
/// <param name="IsBoundHere">The engine connects: we listen at the address. False: the engine listens.</param>
public sealed record KvEndpoint(DnsEndPoint Address, bool IsBoundHere)
{
    /// <summary>
    /// What an engine's own endpoint setting means for us. vLLM binds where the setting holds <c>*</c> or <c>::</c>
    /// (SGLang: also <c>0.0.0.0</c>) and connects otherwise; rank r of a data-parallel engine uses the port + r.
    /// </summary>
    /// <param name="setting">The engine's setting, such as <c>tcp://*:5557</c>.</param>
    /// <param name="engineHost">Where the engine is reached.</param>
    /// <param name="rank">The data-parallel rank.</param>
    /// <returns>The endpoint; null where the setting is not TCP.</returns>
    public static KvEndpoint? Of(string setting, string engineHost, int rank)
    {
        ArgumentNullException.ThrowIfNull(setting);
        const string Tcp = "tcp://";
        var colon = setting.LastIndexOf(':');
        if (!setting.StartsWith(Tcp, StringComparison.Ordinal) || colon < Tcp.Length
            || !int.TryParse(setting.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port + rank is < 1 or > ushort.MaxValue)
        {
            return null;
        }

        var host = setting[Tcp.Length..colon].Trim('[', ']');
        var isEngineBound = host.Contains('*', StringComparison.Ordinal)
            || host.Contains("::", StringComparison.Ordinal)
            || host == "0.0.0.0";
        return new KvEndpoint(new DnsEndPoint(isEngineBound ? engineHost : host, port + rank), !isEngineBound);
    }
}
