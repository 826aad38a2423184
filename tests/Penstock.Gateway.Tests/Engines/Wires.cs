using Penstock.Engines;
using Penstock.Engines.Probing;
using Penstock.Gateway.Tests.Cluster;
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

    /// <summary>Moves time until something is done, and only while nothing real is under way: what the engine leaves
    /// without an answer comes to its deadline, and no answer that is on its way does.</summary>
    /// <param name="engine">Who is asked.</param>
    /// <param name="calls">The deadlines of questions to it, and nothing else.</param>
    /// <param name="what">To be done.</param>
    /// <param name="pauses">Who waits between questions; null: nobody.</param>
    public static async Task<T> PassTimeAsync<T>(
        ScriptedEngine engine, ManualClock calls, Task<T> what, ManualClock? pauses = null)
    {
        await Until.TrueAsync(() =>
        {
            var asked = calls.PendingTimers;
            if (asked > 0 && asked == engine.Hanging)
            {
                calls.Advance(TimeSpan.FromMilliseconds(50));
            }
            else if (asked == 0 && !what.IsCompleted && pauses?.NextDue is { } due)
            {
                pauses.Advance(due);
            }

            return what.IsCompleted;
        });
        return await what;
    }

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
