using System.Diagnostics;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>The script <c>./penstock</c>, which builds what changed and then is the program.</summary>
public class RunScriptTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task Runs_from_any_folder_and_through_a_link()
    {
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder.File("link"), Path.Combine(Repository.Root, "penstock"));
        var ended = await Command.Run(
            new ProcessStartInfo(folder.File("link"), ["--help"]) { WorkingDirectory = folder.Path }, s_limit);
        Assert.True(ended.ExitCode == 0, ended.Errors);
        Assert.Contains("serve", ended.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("building", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bad_usage_ends_with_2()
    {
        var start = new ProcessStartInfo(Path.Combine(Repository.Root, "penstock"), ["serve", "--no-such-option"]);
        Assert.Equal(2, (await Command.Run(start, s_limit)).ExitCode);
    }

    [Fact]
    public async Task Says_what_is_missing_where_there_is_no_dotnet()
    {
        using var folder = new TemporaryFolder();
        var start = new ProcessStartInfo("/bin/bash", [Path.Combine(Repository.Root, "penstock"), "--help"]);
        foreach (var tool in new[] { "readlink", "dirname" })
        {
            File.CreateSymbolicLink(folder.File(tool), $"/usr/bin/{tool}");
        }

        start.Environment["PATH"] = folder.Path;
        start.Environment["HOME"] = folder.Path;
        start.Environment.Remove("DOTNET_ROOT");
        var ended = await Command.Run(start, s_limit);
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("needs the .NET 10 SDK", ended.Errors, StringComparison.Ordinal);
    }
}
