using Penstock.Core.Routing.Policies;

namespace Penstock.Core.Routing;

/// <summary>The policies by name.</summary>
public static class RoutePolicies
{
    private static readonly (string Name, Func<RoutePolicy> Create)[] All =
    [
        ("cost", static () => new CostPolicy()),
        ("least-outstanding", static () => new LeastOutstandingPolicy()),
        ("least-tokens", static () => new LeastTokensPolicy()),
        ("power-of-two", static () => new PowerOfTwoPolicy()),
        ("random", static () => new RandomPolicy()),
        ("round-robin", static () => new RoundRobinPolicy()),
    ];

    /// <summary>The names, sorted.</summary>
    public static IEnumerable<string> Names => All.Select(static p => p.Name);

    /// <summary>A new policy of that name, for one pool; null where there is none.</summary>
    public static RoutePolicy? Create(string name) =>
        Array.Find(All, p => p.Name == name).Create?.Invoke();
}
