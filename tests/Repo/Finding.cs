namespace Penstock.Repo.Tests;

/// <summary>One breach of a rule: where, and by how much (0 where there is no measure).</summary>
internal sealed record Finding(string Rule, string Place, int Measure = 0)
{
    public override string ToString() => Measure == 0 ? $"{Rule} {Place}" : $"{Rule} {Place} {Measure}";
}

/// <summary>
/// What is let through for now: <c>eng/tidy.allow.txt</c>, a line each of <c>rule place measure</c>. It may only
/// shrink: an entry must be needed exactly as it stands, so whoever improves a place also lowers or drops its line.
/// </summary>
internal static class AllowList
{
    public const string File = "eng/tidy.allow.txt";

    public static IReadOnlyList<Finding> Entries { get; } =
        [.. Repository.Read(File).Split('\n').Select(Parse).OfType<Finding>()];

    /// <summary>Fails when a finding is not on the list, or an entry of this rule is no longer the truth.</summary>
    public static void AssertNothingNew(string rule, IEnumerable<Finding> found) =>
        Offenders.AssertNone(Complaints(rule, found, Entries));

    /// <summary>What is wrong between the findings of a rule and the list, in words; empty when nothing is.</summary>
    public static IReadOnlyList<string> Complaints(
        string rule, IEnumerable<Finding> found, IReadOnlyList<Finding> allowed)
    {
        var findings = found.ToHashSet();
        var entries = allowed.Where(e => e.Rule == rule).ToHashSet();
        return
        [
            .. findings.Except(entries).Select(f => $"breaks the rule: {f}").Order(StringComparer.Ordinal),
            .. entries.Except(findings).Select(e => $"no longer needed in {File}: {e}").Order(StringComparer.Ordinal),
        ];
    }

    private static Finding? Parse(string line)
    {
        var words = line.Split('#')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length switch
        {
            0 => null,
            2 => new(words[0], words[1]),
            3 => new(words[0], words[1], int.Parse(words[2], System.Globalization.CultureInfo.InvariantCulture)),
            _ => throw new FormatException($"{File}: a line is 'rule place [measure]', not '{line}'"),
        };
    }
}
