using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Penstock.Repo.Tests;

/// <summary>
/// Builds a project that uses every banned symbol and must not build. The analyzer says nothing about a symbol that it
/// cannot find, so without this a misspelt line would ban nothing.
/// </summary>
public partial class BannedSymbolsTests
{
    private const string Fixture = "tests/Fixtures/Banned";

    private static readonly string[] s_lists = ["eng/BannedSymbols.All.txt", "eng/BannedSymbols.Pure.txt"];

    private sealed record Ban(string Id, string Reason)
    {
        // Channel`1 -> Channel, Thread.Sleep(System.Int32) -> Sleep: what the compiler calls it, less its surroundings.
        public string Name => Id.Split('(')[0].Split('`')[0].Split('.', ':')[^1];
    }

    private sealed record Diagnostic(int Line, string Symbol, string Reason);

    [Fact]
    public async Task Every_banned_symbol_fails_the_build()
    {
        var reported = await BuildFixture();
        var lineOf = Repository.Read($"{Fixture}/Banned.cs").Split('\n')
            .Select((text, i) => (Id: text.Split(" // ") is [_, var id] ? id : "", Line: i + 1))
            .Where(l => l.Id.Length > 0)
            .ToDictionary(l => l.Id, l => l.Line);

        var bans = s_lists.SelectMany(Bans).ToList();
        Offenders.AssertNone(bans
            .Where(b => !lineOf.ContainsKey(b.Id))
            .Select(b => $"not used in {Fixture}/Banned.cs: {b.Id}"));
        Offenders.AssertNone(bans
            .Where(b => !reported.Any(d => d.Line == lineOf[b.Id] && d.Reason == b.Reason && Names(d.Symbol, b.Name)))
            .Select(b => $"bans nothing: {b.Id}"));
        Offenders.AssertNone(lineOf.Keys.Except(bans.Select(b => b.Id)).Select(id => $"used, but not banned: {id}"));
    }

    private static IEnumerable<Ban> Bans(string list) =>
        Repository.Read(list).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(';', 2))
            .Select(parts => new Ban(parts[0], parts[1]));

    private static bool Names(string symbol, string name) =>
        symbol.Split('(')[0].Split('<')[0].Split('.')[^1] == name;

    private static async Task<IReadOnlyList<Diagnostic>> BuildFixture()
    {
        // No build servers: they would keep the output open after the build.
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { "build", Fixture, "-v", "q", "-nodeReuse:false", "-p:UseSharedCompilation=false" },
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
        };
        using var build = Process.Start(start)!;
        var output = await build.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await build.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1, build.ExitCode);
        Assert.DoesNotMatch(@"error (?!RS0030)", output);
        return
        [
            .. RS0030().Matches(output).Select(m => new Diagnostic(
                int.Parse(m.Groups["line"].ValueSpan, System.Globalization.CultureInfo.InvariantCulture),
                m.Groups["symbol"].Value,
                m.Groups["reason"].Value)),
        ];
    }

    [GeneratedRegex(
        @"Banned\.cs\((?<line>\d+),\d+\): error RS0030: " +
        @"The symbol '(?<symbol>[^']+)' is banned in this project: (?<reason>.*?) \(https:")]
    private static partial Regex RS0030();
}
