namespace Penstock.Core.Config;

/// <summary>Finds the names that someone may have meant.</summary>
public static class CloseNames
{
    private const int ListedMax = 8;
    private const int LengthMax = 128;

    /// <summary>
    /// The end of an error message: the names close to <paramref name="name"/>, else all that are known where they are
    /// few, else nothing.
    /// </summary>
    public static string Hint(string name, IReadOnlyCollection<string> known)
    {
        var close = Near(name, known);
        if (close.Count > 0)
        {
            return $"; did you mean {string.Join(" or ", close.Select(static c => $"'{c}'"))}?";
        }

        return known.Count switch
        {
            0 => "",
            <= ListedMax => $"; known are {string.Join(", ", known)}",
            _ => $"; known are {string.Join(", ", known.Take(ListedMax))} and {known.Count - ListedMax} more",
        };
    }

    /// <summary>At most three names within a third of the word's length in edits, the nearest first.</summary>
    public static IReadOnlyList<string> Near(string name, IEnumerable<string> known)
    {
        if (name.Length > LengthMax)
        {
            return [];
        }

        var limit = Math.Max(1, name.Length / 3);
        return
        [
            .. known
                .Where(static k => k.Length <= LengthMax)
                .Select(k => (Name: k, Edits: Distance(name, k)))
                .Where(k => k.Edits <= limit && k.Edits < name.Length)
                .OrderBy(static k => k.Edits)
                .ThenBy(static k => k.Name, StringComparer.Ordinal)
                .Select(static k => k.Name)
                .Take(3),
        ];
    }

    /// <summary>Edits between two words (optimal string alignment), upper and lower case alike.</summary>
    internal static int Distance(string a, string b)
    {
        var beforeLast = new int[b.Length + 1];
        var last = new int[b.Length + 1];
        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var change = Same(a[i - 1], b[j - 1]) ? 0 : 1;
                row[j] = Math.Min(Math.Min(row[j - 1], last[j]) + 1, last[j - 1] + change);
                if (i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1]))
                {
                    row[j] = Math.Min(row[j], beforeLast[j - 2] + 1);
                }
            }

            (beforeLast, last, row) = (last, row, beforeLast);
        }

        return last[b.Length];
    }

    private static bool Same(char a, char b) => char.ToLowerInvariant(a) == char.ToLowerInvariant(b);
}
