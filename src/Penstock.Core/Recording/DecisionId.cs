using System.Globalization;

namespace Penstock.Core.Recording;

/// <summary>The number of a decision as people see it: <c>dec_</c> and 16 hex digits.</summary>
public static class DecisionId
{
    private const string Prefix = "dec_";

    public static string Format(ulong id) =>
        string.Create(Prefix.Length + 16, id, static (chars, id) =>
        {
            Prefix.CopyTo(chars);
            id.TryFormat(chars[Prefix.Length..], out _, "x16", CultureInfo.InvariantCulture);
        });

    /// <summary>The number of a written id; null where it is none.</summary>
    public static ulong? Parse(string written) =>
        written.StartsWith(Prefix, StringComparison.Ordinal)
        && ulong.TryParse(
            written.AsSpan(Prefix.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id)
            ? id
            : null;
}
