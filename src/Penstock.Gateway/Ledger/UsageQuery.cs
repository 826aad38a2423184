using Penstock.Core.Metering;
using Penstock.Core.Primitives;

namespace Penstock.Gateway.Ledger;

/// <summary>What rows of a usage report are split by.</summary>
[Flags]
public enum UsageGrouping
{
    /// <summary>One row for everything.</summary>
    None = 0,
    Key = 1,
    Model = 2,

    /// <summary>By UTC day of admission.</summary>
    Day = 4,
}

/// <summary>Which usage to sum, and how to split it.</summary>
public sealed record UsageQuery
{
    public UsageGrouping By { get; init; } = UsageGrouping.Key | UsageGrouping.Model | UsageGrouping.Day;

    /// <summary>The first time of admission that counts; null: from the beginning.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>The first time of admission that does not count; null: to the end.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Only this key's; null: all.</summary>
    public string? KeyId { get; init; }

    /// <summary>Only this model's; null: all.</summary>
    public string? Model { get; init; }
}

/// <summary>
/// One row of a usage report: sums over settled ledger entries. What is not grouped by is null.
/// </summary>
public sealed record UsageRow
{
    public string? KeyId { get; init; }

    public string? Model { get; init; }

    public DateOnly? Day { get; init; }

    /// <summary>Requests, however many attempts each took.</summary>
    public required long Requests { get; init; }

    /// <summary>Attempts that reached an engine.</summary>
    public required long Attempts { get; init; }

    public required TokenUsage Usage { get; init; }

    /// <summary>What the customers owe; entries without a price add nothing.</summary>
    public required Money Price { get; init; }

    /// <summary>What the providers are owed, as far as that is known.</summary>
    public required Money Cost { get; init; }

    /// <summary>Entries whose usage is an estimate.</summary>
    public required long Estimated { get; init; }

    /// <summary>Entries of models without a price.</summary>
    public required long Unpriced { get; init; }
}
