using System.Diagnostics;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>
/// A real llama-server, run by the <c>real-engine</c> script that comes with the test data (<c>PENSTOCK_DATA</c>, or
/// a folder beside the repository). Where there is none, or it cannot be installed, the test skips and says why.
/// </summary>
internal sealed class RealEngine : IAsyncDisposable
{
    private const int Unavailable = 77;

    private readonly string _script;
    private readonly TemporaryFolder _folder = new();

    private RealEngine(string script) => _script = script;

    /// <summary>Random weights of a true shape: real work, no sense, and no end before the limit.</summary>
    public static string Model => "shape15m";

    public Uri Url { get; private set; } = new("http://127.0.0.1");

    /// <summary>Why there is no engine to be had; null when there is.</summary>
    public static async Task<string?> WhyUnavailable()
    {
        if (FindScript() is not { } script)
        {
            return "no real-engine script: set PENSTOCK_DATA to the folder of the test data";
        }

        var check = await Command.Run(script, "check", "--model", Model);
        return check.ExitCode switch
        {
            0 => null,
            Unavailable => check.Errors.Trim(),
            _ => throw new InvalidOperationException($"{script} check: exit {check.ExitCode}\n{check.Errors}"),
        };
    }

    /// <param name="slots">Requests that it works on at a time.</param>
    /// <param name="hostMegabytes">Memory for prompts that lost their slot.</param>
    public static async Task<RealEngine> Start(int slots = 2, int hostMegabytes = 0)
    {
        var engine = new RealEngine(FindScript()!);
        var start = await Command.Run(
            engine._script, "start", "--port", "0", "--model", Model, "--slots", $"{slots}",
            "--cache-ram", $"{hostMegabytes}", "--pidfile", engine._folder.File("engine.pid"));
        Assert.True(start.ExitCode == 0, start.Errors);
        engine.Url = new(start.Output.Trim());
        return engine;
    }

    public async ValueTask DisposeAsync()
    {
        await Command.Run(
            new ProcessStartInfo(_script, ["stop", "--pidfile", _folder.File("engine.pid")]),
            TimeSpan.FromSeconds(30));
        _folder.Dispose();
    }

    /// <summary>Where the script is: below the test data or beside it; null: nowhere.</summary>
    internal static string? FindScript()
    {
        var data = Environment.GetEnvironmentVariable("PENSTOCK_DATA");
        string[] folders =
        [
            .. data is null ? [] : new[] { data, Path.Combine(data, "..") },
            Path.Combine(Repository.Root, "..", "shared"),
        ];
        return folders
            .Select(f => Path.GetFullPath(Path.Combine(f, "tools", "real-engine", "real-engine")))
            .FirstOrDefault(File.Exists);
    }
}
