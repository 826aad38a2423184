using System.Globalization;

namespace Penstock.League;

/// <summary>One line of the table: a policy, the gateways that follow it, and what those know of each other.</summary>
internal sealed record Entry(string Policy, int Gateways, string News)
{
    public string Name => Gateways == 1 ? Policy : $"{Policy} x{Gateways} {News}";

    /// <summary>Every policy with every number of gateways and all news; one gateway alone has none.</summary>
    public static Entry[] Of(string policies, string gateways, string news) =>
    [
        .. from policy in policies.Split(',')
           from nodes in gateways.Split(',').Select(n => int.Parse(n, CultureInfo.InvariantCulture))
           from heard in nodes == 1 ? ["on"] : news.Split(',')
           select new Entry(policy, nodes, heard),
    ];
}
