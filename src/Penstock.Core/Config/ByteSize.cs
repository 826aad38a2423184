using System.Globalization;

namespace Penstock.Core.Config;

/// <summary>
/// A number of bytes, written with a unit: <c>32 MiB</c>, <c>1.5 GiB</c>, <c>64 KB</c>, <c>512 B</c>. KiB, MiB and GiB
/// are powers of 1,024; KB, MB and GB powers of 1,000.
/// </summary>
public readonly record struct ByteSize(long Bytes)
{
    private static readonly (string Unit, long Bytes)[] Units =
    [
        ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10),
        ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000), ("B", 1),
    ];

    /// <summary>Reads a size; false where it has no known unit, is negative, too large, or not whole bytes.</summary>
    public static bool TryParse(string text, out ByteSize size)
    {
        size = default;
        foreach (var (unit, bytes) in Units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal))
            {
                var number = text.AsSpan(0, text.Length - unit.Length).TrimEnd();
                if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var n)
                    || n > long.MaxValue / bytes)
                {
                    return false;
                }

                var total = n * bytes;
                size = new((long)total);
                return total == decimal.Truncate(total);
            }
        }

        return false;
    }

    /// <summary>The shortest exact form, binary units first.</summary>
    public override string ToString()
    {
        foreach (var (unit, bytes) in Units)
        {
            if (Bytes != 0 && Bytes % bytes == 0)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{Bytes / bytes} {unit}");
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"{Bytes} B");
    }
}
