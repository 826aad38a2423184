using System.Text.RegularExpressions;

namespace Penstock.Repo.Tests;

/// <summary>An operator finds a message by its number.</summary>
public partial class LogIdTests
{
    [Fact]
    public void No_two_messages_of_the_log_have_one_number()
    {
        var numbers = Repository.Sources.Where(f => f.StartsWith("src/", StringComparison.Ordinal))
            .SelectMany(f => Number().Matches(Repository.Read(f)).Select(m => (File: f, Number: m.Groups[1].Value)))
            .ToList();
        Assert.True(numbers.Count > 20, "the messages of the log are written in another way now");
        Offenders.AssertNone(numbers.GroupBy(n => n.Number).Where(g => g.Count() > 1)
            .Select(g => $"{g.Key}: {string.Join(", ", g.Select(n => n.File))}"));
    }

    [GeneratedRegex(@"\[LoggerMessage\((\d+),")]
    private static partial Regex Number();
}
