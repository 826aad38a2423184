using System.Diagnostics;
using System.Text.Json;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>How Claude Code is told about a gateway.</summary>
public enum ClaudeCodeMode
{
    /// <summary>The key as <c>x-api-key</c>.</summary>
    ApiKey,

    /// <summary>The key as a bearer token, with discovery of the gateway's models.</summary>
    Bearer,

    /// <summary>The key as <c>x-api-key</c>, and none of the experimental betas.</summary>
    NoExperimentalBetas,
}

/// <summary>The pinned Claude Code, run without a terminal in a home of its own: <c>claude -p PROMPT</c>.</summary>
internal static class ClaudeCode
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    /// <summary>The final text. Fails, with all that it printed, where it reports an error.</summary>
    /// <param name="arguments">Further options, such as <c>--allowedTools Bash</c>.</param>
    public static async Task<string> Ask(
        ClientTarget target, ClaudeCodeMode mode, string prompt, params string[] arguments)
    {
        var packages = await NpmClients.Require("claude-code");
        var program = NpmClients.RequireFile(
            packages, "@anthropic-ai/claude-code-linux-x64/claude", "@anthropic-ai/claude-code-linux-arm64/claude");
        using var home = new TemporaryFolder();
        var start = new ProcessStartInfo(program, ["-p", prompt, "--output-format", "json", .. arguments])
        {
            WorkingDirectory = home.Path,
        };
        Configure(start.Environment, target, mode, home.Path);

        var ended = await Command.Run(start, s_limit);
        Assert.True(ended.ExitCode == 0, $"exit {ended.ExitCode}\n{ended.Output}\n{ended.Errors}");
        var report = JsonDocument.Parse(ended.Output).RootElement;
        Assert.False(report.GetProperty("is_error").GetBoolean(), ended.Output);
        return report.GetProperty("result").GetString()!;
    }

    private static void Configure(
        IDictionary<string, string?> environment, ClientTarget target, ClaudeCodeMode mode, string home)
    {
        // Nothing of the account of whoever runs the tests may reach it, nor it anything but the gateway.
        foreach (var name in environment.Keys.Where(IsAboutClaude).ToList())
        {
            environment.Remove(name);
        }

        environment["HOME"] = home;
        environment["CLAUDE_CONFIG_DIR"] = Path.Combine(home, ".claude");
        environment["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1";
        environment["CLAUDE_CODE_MAX_RETRIES"] = "1";
        environment["ANTHROPIC_BASE_URL"] = target.Url.ToString().TrimEnd('/');
        switch (mode)
        {
            case ClaudeCodeMode.ApiKey:
                environment["ANTHROPIC_API_KEY"] = target.Key;
                break;
            case ClaudeCodeMode.Bearer:
                environment["ANTHROPIC_AUTH_TOKEN"] = target.Key;
                environment["CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY"] = "1";
                break;
            default:
                environment["ANTHROPIC_API_KEY"] = target.Key;
                environment["CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"] = "1";
                break;
        }
    }

    private static bool IsAboutClaude(string name) =>
        name.StartsWith("ANTHROPIC", StringComparison.Ordinal) || name.StartsWith("CLAUDE", StringComparison.Ordinal);
}
