using System.Text.RegularExpressions;

namespace Penstock.Repo.Tests;

public partial class DocumentTests
{
    private static IEnumerable<string> Documents =>
        Repository.Files.Where(f => f.EndsWith(".md", StringComparison.Ordinal));

    [Fact]
    public void Every_link_inside_the_repository_leads_somewhere()
    {
        var broken =
            from document in Documents
            from Match link in Link().Matches(Repository.Read(document))
            let target = link.Groups["target"].Value.Split('#')[0]
            where target.Length > 0 && !target.Contains("://", StringComparison.Ordinal)
            let path = Path.Combine(Repository.Root, Path.GetDirectoryName(document)!, target)
            where !Path.Exists(path)
            select $"{document}: {target}";
        Offenders.AssertNone(broken);
    }

    /// <summary>
    /// A figure without the command that prints it cannot be checked, and is wrong after the next change.
    /// </summary>
    [Fact]
    public void Figures_stand_beside_the_command_that_prints_them() =>
        Offenders.AssertNone(Documents
            .Where(d => Path.GetFileName(d) == "performance.md")
            .SelectMany(d => SectionsWithoutCommand(Repository.Read(d)).Select(title => $"{d}: {title}")));

    [Theory]
    [InlineData("## Speed\n\n| | ms |\n|---|---|\n| p50 | 1.2 |\n", 1)]
    [InlineData("## Speed\n\n    eng/bench/run\n\n| | ms |\n|---|---|\n| p50 | 1.2 |\n", 0)]
    [InlineData("## Speed\n\n`./penstock compare A B` prints:\n\n| | ms |\n|---|---|\n| p50 | 1.2 |\n", 0)]
    [InlineData("## Terms\n\n| word | meaning |\n|---|---|\n| pool | one model |\n", 0)]
    public void A_section_with_figures_needs_a_command(string text, int without) =>
        Assert.Equal(without, SectionsWithoutCommand(text).Count());

    private static IEnumerable<string> SectionsWithoutCommand(string text) =>
        Regex.Split(text, "^(?=#)", RegexOptions.Multiline)
            .Where(section => Figure().IsMatch(section) && !CommandLine().IsMatch(section))
            .Select(section => section.Split('\n')[0]);

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    // A table cell that is a number, whatever its unit.
    [GeneratedRegex(@"\|\s*[\d.,]+[^|\n]*\|")]
    private static partial Regex Figure();

    // An indented or inline command of this repository.
    [GeneratedRegex(@"^(    |\t)\S|^```|`(\./|eng/)[^`]+`", RegexOptions.Multiline)]
    private static partial Regex CommandLine();
}
