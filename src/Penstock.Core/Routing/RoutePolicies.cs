using System.Collections.Immutable;
using Penstock.Core.Routing.Policies;
using Penstock.Core.Routing.Policies.Hashing;
using Penstock.Core.Routing.Policies.Matching;
using Penstock.Core.Routing.Policies.Weighing;

namespace Penstock.Core.Routing;

/// <summary>The policies by name.</summary>
public static class RoutePolicies
{
    private static readonly (string Name, Func<RoutePolicy> Create)[] All =
    [
        ("aibrix-prefix", static () => new AibrixPrefixPolicy()),
        ("chwbl", static () => new BoundedHashPolicy("chwbl", bySession: false)),
        ("chwbl-session", static () => new BoundedHashPolicy("chwbl-session", bySession: true)),
        ("cost", static () => new CostPolicy()),
        ("dualmap", static () => new DualMapPolicy()),
        ("dynamo-kv", static () => DynamoKvPolicy.Least),
        ("dynamo-kv-softmax", static () => DynamoKvPolicy.Softmax),
        ("gie-weighted", static () => WeightedScorePolicy.Gie),
        ("least-outstanding", static () => new LeastOutstandingPolicy()),
        ("least-tokens", static () => new LeastTokensPolicy()),
        ("llmd-optimized", static () => new StickyUntilSaturatedPolicy(looksAhead: false)),
        ("llmd-optimized-lookahead", static () => new StickyUntilSaturatedPolicy(looksAhead: true)),
        ("llmd-precise", static () => WeightedScorePolicy.LlmdPrecise),
        ("llmd-slo", static () => new SloHeadroomPolicy()),
        ("llmd-weighted", static () => WeightedScorePolicy.Llmd),
        ("lmetric", static () => new LMetricPolicy()),
        ("lmetric-dynamo", static () => new LMetricDynamoPolicy()),
        ("mooncake", static () => new MooncakePolicy()),
        ("penstock", static () => new PenstockPolicy()),
        ("power-of-two", static () => new PowerOfTwoPolicy()),
        ("preble", static () => new PreblePolicy()),
        ("random", static () => new RandomPolicy()),
        ("ray-prefix", static () => new RayPrefixPolicy()),
        ("round-robin", static () => new RoundRobinPolicy()),
        ("sgl-router", static () => new SglRouterPolicy()),
        ("sglang-cache-aware", static () => SglangCacheAwarePolicy.New),
        ("sglang-cache-aware-old", static () => SglangCacheAwarePolicy.Old),
        ("skywalker", static () => new SkyWalkerPolicy()),
        ("sticky-session", static () => new StickySessionPolicy()),
        ("trtllm-kv", static () => new TrtllmKvPolicy()),
        ("vllm-dp", static () => new VllmDataParallelPolicy()),
        ("vps-kv", static () => new VpsKvPolicy()),
        ("vps-prefix", static () => new VpsPrefixPolicy()),
        ("vps-session", static () => new VpsSessionPolicy()),
        ("weighted-random", static () => new WeightedRandomPolicy()),
    ];

    /// <summary>The names, sorted.</summary>
    public static ImmutableArray<string> Names { get; } = [.. All.Select(static p => p.Name)];

    /// <summary>A new policy of that name, for one pool; null where there is none.</summary>
    public static RoutePolicy? Create(string name) =>
        Array.Find(All, p => p.Name == name).Create?.Invoke();
}
