using System.Collections.Concurrent;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>
/// The pinned npm packages of a folder of <c>tests/Clients</c>, installed on first use by <c>eng/components/npm</c>.
/// Where they cannot be had the test skips and says why.
/// </summary>
internal static class NpmClients
{
    private const int Unavailable = 77;

    private static readonly ConcurrentDictionary<string, Task<CommandResult>> s_installed = new();

    /// <summary>The folder that holds <c>node_modules</c>.</summary>
    public static async Task<string> Require(string name)
    {
        var result = await s_installed.GetOrAdd(
            name, static n => Command.Run(Path.Combine(Repository.Root, "eng", "components", "npm"), n));
        Assert.SkipWhen(result.ExitCode == Unavailable, result.Errors.Trim());
        Assert.True(result.ExitCode == 0, result.Errors);
        return result.Output.Trim();
    }

    /// <summary>The first of <paramref name="paths"/> below <paramref name="folder"/> that is there.</summary>
    public static string RequireFile(string folder, params string[] paths)
    {
        var found = paths.Select(p => Path.Combine(folder, "node_modules", p)).FirstOrDefault(File.Exists);
        Assert.SkipWhen(found is null, $"no package for this machine among {string.Join(", ", paths)}");
        return found!;
    }
}
