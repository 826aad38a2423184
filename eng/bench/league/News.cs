using System.Globalization;
using Penstock.Simulator.Fleets;

namespace Penstock.League;

/// <summary>What gateways know of each other, as it is named on the command line.</summary>
internal static class News
{
    /// <param name="name"><c>on</c>, <c>off</c>, <c>partition</c> (the halves do not hear each other in the middle
    /// third of what is measured), <c>dead</c> (the last gateway dies in the middle), or a delay such as <c>50ms</c> or
    /// <c>5s</c>.</param>
    /// <param name="from">When measuring begins, in seconds.</param>
    /// <param name="to">When it ends.</param>
    public static PeerOptions Of(string name, double from, double to) => name switch
    {
        "on" => new PeerOptions(),
        "off" => new PeerOptions { Talk = false },
        "partition" => new PeerOptions
        {
            PartitionFrom = from + ((to - from) / 3),
            PartitionTo = from + ((to - from) * 2 / 3),
        },
        "dead" => new PeerOptions { DiesAt = (from + to) / 2 },
        _ => new PeerOptions { Delay = Seconds(name) },
    };

    private static double Seconds(string text)
    {
        var (number, unit) = text.EndsWith("ms", StringComparison.Ordinal)
            ? (text[..^2], 1e-3)
            : (text.TrimEnd('s'), 1);
        return double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? value * unit
            : throw new ArgumentException($"no news {text}");
    }
}
