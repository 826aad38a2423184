using System.Globalization;

namespace Penstock.League;

/// <summary>One line of the table: a policy, the seconds to a first token that it aims at (0 for none), the gateways
/// that follow it, and what those know of each other.</summary>
internal sealed record Entry(string Policy, double FirstToken, int Gateways, string News)
{
    public string Name => Policy
        + (FirstToken > 0 ? string.Create(CultureInfo.InvariantCulture, $" in {FirstToken}s") : "")
        + (Gateways == 1 ? "" : $" x{Gateways} {News}");

    /// <summary>Every policy with every objective, every number of gateways and all news; one gateway alone has none.
    /// </summary>
    public static Entry[] Of(string policies, string objectives, string gateways, string news) =>
    [
        .. from policy in policies.Split(',')
           from objective in objectives.Split(',').Select(o => double.Parse(o, CultureInfo.InvariantCulture))
           from nodes in gateways.Split(',').Select(n => int.Parse(n, CultureInfo.InvariantCulture))
           from heard in nodes == 1 ? ["on"] : news.Split(',')
           select new Entry(policy, objective, nodes, heard),
    ];
}
