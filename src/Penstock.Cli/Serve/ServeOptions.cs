using System.Collections.Immutable;

namespace Penstock.Cli.Serve;

/// <summary>The command line of <c>penstock serve</c>. Null: not given.</summary>
internal sealed record ServeOptions
{
    public int? Port { get; init; }

    public int? AdminPort { get; init; }

    public string? Data { get; init; }

    public string? Config { get; init; }

    public ImmutableArray<Uri> Engines { get; init; } = [];

    public bool StrictModels { get; init; }
}
