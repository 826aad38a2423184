using System.Globalization;
using Penstock.Core.Routing;
using Penstock.Simulator.Fleets;
using Penstock.Simulator.Replicas;
using Penstock.Simulator.Workloads;

namespace Penstock.League;

/// <summary>The fleet and the workload of one league.</summary>
internal sealed class Setting(Options options)
{
    private readonly Lazy<SessionTrace[]> _sessions = new(
        static () => [.. Lines("claude_code_sessions_rle.jsonl").Select(line => SessionTrace.Parse(line))]);

    private readonly Lazy<ConversationStep[]> _conversation = new(
        static () => [.. Lines("mooncake_conversation.jsonl").Select(line => ConversationWorkload.Parse(line))]);

    public string Name => options.Text("workload", "sessions");

    public FleetOutcome Run(Entry entry, ulong seed)
    {
        var policy = entry.Policy;
        var seconds = options.Number("seconds", Name == "conversation" ? 1e6 : 3_600);
        var warmup = options.Number("warmup", Name == "conversation" ? 0 : 900);
        var fleet = new FleetOptions
        {
            Replicas = Replicas(options.Text("replicas", "8xh100-qwen3-32b"), options.Count("cache", 1_000_000)),
            Policy = engines => policy == OraclePolicy.PolicyName
                ? new OraclePolicy(engines)
                : RoutePolicies.Create(policy)
                    ?? throw new ArgumentException($"no policy {policy}"),
            Seed = seed,
            Seconds = seconds,
            WarmupSeconds = warmup,
            Slo = new Slo(entry.FirstToken, options.Number("per-token", 0)),
            Gateways = entry.Gateways,
            LoadReportSeconds = options.Number("report-seconds", 1),
            LoadReportDelay = options.Number("report-delay", 0),
            HearEvery = options.Number("hear-every", 0),
            Peers = News.Of(entry.News, warmup, seconds),
        };
        return Fleet.Run(fleet, Workload(seed, seconds));
    }

    private Workload Workload(ulong seed, double seconds) => Name switch
    {
        "sessions" => new SessionWorkload(
            _sessions.Value,
            new SessionOptions
            {
                Concurrent = options.Count("sessions", 120), WholeShare = options.Number("whole", 0),
            },
            seed),
        "conversation" => new ConversationWorkload(_conversation.Value, options.Number("speedup", 4), seed),
        "chat" => new ChatWorkload(new ChatOptions { Concurrent = options.Count("sessions", 400) }, seed),
        "bursts" => new PrefixWorkload(
            new PrefixOptions
            {
                Rate = options.Number("rate", 0.5), Seconds = seconds, Burst = 16, Prefixes = 0, TailTokens = 0,
            },
            seed),
        "hot" => new PrefixWorkload(
            new PrefixOptions { Rate = options.Number("rate", 12), Seconds = seconds, Prefixes = 4 }, seed),
        _ => throw new ArgumentException($"no workload {Name}"),
    };

    private static EngineProfile[] Replicas(string list, int cache) =>
    [
        .. list.Split(',').SelectMany(part =>
        {
            var times = part.IndexOf('x', StringComparison.Ordinal);
            var count = int.Parse(part[..times], CultureInfo.InvariantCulture);
            var profile = ProfileCatalog.Find(part[(times + 1)..]) ?? throw new ArgumentException($"no {part}");
            return Enumerable.Repeat(FleetOptions.WithCache(profile, cache == 0 ? profile.KvTokens : cache), count);
        }),
    ];

    private static IEnumerable<byte[]> Lines(string name)
    {
        var data = Environment.GetEnvironmentVariable("PENSTOCK_DATA")
            ?? throw new ArgumentException("PENSTOCK_DATA is not set");
        return File.ReadLines(Path.Combine(data, "traces", name)).Select(System.Text.Encoding.UTF8.GetBytes);
    }
}
