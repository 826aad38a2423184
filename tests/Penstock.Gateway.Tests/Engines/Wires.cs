using Penstock.Engines;
using Penstock.Engines.Probing;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Engines;

/// <summary>What the engine tests share: the kinds, and a client with limits that suit a test.</summary>
internal static class Wires
{
    /// <summary>Bytes of a body that the client of a test takes at most.</summary>
    public const int BodyBytesMax = 64 * 1024;

    /// <summary>Names of all personalities, as theory data.</summary>
    public static TheoryData<string> Kinds => [.. Personality.All.Select(p => p.Name)];

    /// <summary>Those that tell their load.</summary>
    public static TheoryData<string> KindsThatTellLoad =>
        [.. EngineRegistry.All.Where(a => a.TellsLoad).Select(a => a.Name)];

    /// <summary>The end of a test that hangs; far beyond anything that a passing test needs.</summary>
    public static CancellationToken Guard
    {
        get
        {
            var guard = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            guard.CancelAfter(TimeSpan.FromMinutes(2));
            return guard.Token;
        }
    }

    public static Personality Kind(string name) => Personality.All.Single(p => p.Name == name);

    public static EngineAdapter Adapter(string name) =>
        EngineRegistry.Find(name) ?? throw new ArgumentException(name, nameof(name));

    /// <summary>A client whose deadlines follow <paramref name="time"/>; without one they never come.</summary>
    public static EngineClient Client(TimeProvider? time = null) => new(
        time ?? new ManualClock(), new EngineClientLimits { BodyBytesMax = BodyBytesMax });

    /// <summary>The page that an adapter of this kind asks for health.</summary>
    public static string HealthRoute(string kind) =>
        kind is "openai" or "anthropic" ? "GET /v1/models" : "GET /health";

    /// <summary>The page that an adapter of this kind asks for load.</summary>
    public static string LoadRoute(string kind) => kind switch
    {
        "sglang" => "GET /v1/loads",
        "trtllm" => "GET /prometheus/metrics",
        _ => "GET /metrics",
    };
}
