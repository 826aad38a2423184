using System.Buffers;
using System.Globalization;
using System.Text;

namespace Penstock.Core.Config;

/// <summary>
/// Lengths of time as people write them: <c>150ms</c>, <c>5s</c>, <c>2m</c>, <c>1h30m</c>, <c>1.5s</c>. Units are d, h,
/// m, s, ms and us, the larger before the smaller. Exact to the tick (100 ns).
/// </summary>
public static class DurationText
{
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    private static readonly (string Unit, long Ticks)[] Units =
    [
        ("d", TimeSpan.TicksPerDay), ("h", TimeSpan.TicksPerHour), ("m", TimeSpan.TicksPerMinute),
        ("s", TimeSpan.TicksPerSecond), ("ms", TimeSpan.TicksPerMillisecond), ("us", TimeSpan.TicksPerMicrosecond),
    ];

    /// <summary>Reads a duration; false where a unit is missing, unknown or out of order, or it is too long.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        var rest = text.AsSpan();
        var total = 0m;
        var nextUnit = 0;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(NumberCharacters);
            if (digits <= 0
                || !decimal.TryParse(
                    rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            rest = rest[digits..];
            var letters = rest.IndexOfAny(NumberCharacters);
            var unit = letters < 0 ? rest : rest[..letters];
            var index = IndexOf(unit, nextUnit);
            if (index < 0 || number > long.MaxValue / Units[index].Ticks)
            {
                return false;
            }

            total += number * Units[index].Ticks;
            nextUnit = index + 1;
            rest = rest[unit.Length..];
        }

        if (nextUnit == 0 || total > long.MaxValue || total != decimal.Truncate(total))
        {
            return false;
        }

        duration = new((long)total);
        return true;
    }

    /// <summary>The exact form of a duration that is not negative, such as <c>1m30s</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        var ticks = duration.Ticks;
        var text = new StringBuilder();
        foreach (var (unit, size) in Units.AsSpan(0, Units.Length - 1))
        {
            if (ticks >= size)
            {
                text.Append(CultureInfo.InvariantCulture, $"{ticks / size}{unit}");
                ticks %= size;
            }
        }

        if (ticks > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{ticks / (decimal)TimeSpan.TicksPerMicrosecond:0.#}us");
        }

        return text.Length == 0 ? "0s" : text.ToString();
    }

    private static int IndexOf(ReadOnlySpan<char> unit, int from)
    {
        for (var i = from; i < Units.Length; i++)
        {
            if (unit.SequenceEqual(Units[i].Unit))
            {
                return i;
            }
        }

        return -1;
    }
}
