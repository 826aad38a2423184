using System.Text.RegularExpressions;

namespace Penstock.Repo.Tests;

/// <summary>What no text file of the repository may contain.</summary>
public partial class TextTests
{
    private static readonly HashSet<string> s_textKinds = new(StringComparer.Ordinal)
    {
        "", ".cs", ".csproj", ".json", ".md", ".mjs", ".props", ".sh", ".slnx", ".targets", ".txt", ".yaml", ".yml",
    };

    private static IEnumerable<string> TextFiles =>
        Repository.Files.Where(f => s_textKinds.Contains(Path.GetExtension(f)));

    [Fact]
    public void Nothing_is_left_for_later_in_the_code() =>
        Offenders.AssertNone(TextFiles.SelectMany(f => Lines(f, LeftForLater())));

    [Fact]
    public void No_path_of_a_particular_machine_is_written_down() =>
        Offenders.AssertNone(TextFiles.SelectMany(f => Lines(f, MachinePath())));

    [Fact]
    public void No_credential_is_written_down() =>
        Offenders.AssertNone(TextFiles.SelectMany(f => Lines(f, Credential())));

    [Fact]
    public void Text_ends_with_a_newline_and_lines_without_blanks()
    {
        var untidy = TextFiles
            .Where(f => Path.GetExtension(f) is ".cs" or ".md" or ".mjs" or "")
            .Where(f => Repository.Read(f) is { Length: > 0 } text
                && (text.Contains('\r') || text[^1] != '\n' || text.Contains(" \n", StringComparison.Ordinal)))
            .Where(f => f != "LICENSE");
        Offenders.AssertNone(untidy);
    }

    [Fact]
    public void The_scripts_can_be_run()
    {
        var scripts = TextFiles.Where(f => Repository.Read(f).StartsWith("#!", StringComparison.Ordinal)).ToList();
        Assert.Contains("penstock", scripts);
        Assert.Contains("test", scripts);
        if (!OperatingSystem.IsWindows())
        {
            Offenders.AssertNone(scripts.Where(f =>
                !OperatingSystem.IsWindows()
                && !File.GetUnixFileMode(Repository.FullPath(f)).HasFlag(UnixFileMode.UserExecute)));
        }
    }

    private static IEnumerable<string> Lines(string file, Regex unwanted) =>
        Repository.Read(file).Split('\n')
            .Select((text, i) => (Text: text, Line: i + 1))
            .Where(l => unwanted.IsMatch(l.Text))
            .Select(l => $"{file}:{l.Line}: {l.Text.Trim()}");

    // Written with classes so that the patterns do not find themselves.
    [GeneratedRegex(@"\b(TOD[O]|FIXM[E]|HAC[K]|XX[X]|NotImplemented[E]xception)\b")]
    private static partial Regex LeftForLater();

    [GeneratedRegex(@"(?<![\w.~*})-])/(wor[k]|hom[e]|roo[t]|User[s]|tm[p])/")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\b(ghp_|github_pat_|xox[bp]-|AKIA)[A-Za-z0-9_]{16,}|-----BEGIN [A-Z ]*PRIVATE KEY")]
    private static partial Regex Credential();
}
