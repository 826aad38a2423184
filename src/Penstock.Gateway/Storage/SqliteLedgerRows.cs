#pragma warning disable IDE1006, CA1812 // Columns by their own names, made by Dapper.
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Core.Primitives;
using Penstock.Gateway.Ledger;

namespace Penstock.Gateway.Storage;

/// <summary>A row of <c>entries</c>.</summary>
internal sealed class EntryRow
{
    public byte[] request_id { get; set; } = [];
    public int attempt { get; set; }
    public int settled { get; set; }
    public long admitted_at { get; set; }
    public string key_id { get; set; } = "";
    public string org { get; set; } = "";
    public string workspace { get; set; } = "";
    public string model { get; set; } = "";
    public string pool { get; set; } = "";
    public string replica { get; set; } = "";
    public int dialect { get; set; }
    public int stream { get; set; }
    public long prompt_tokens_estimate { get; set; }
    public long output_tokens_max { get; set; }
    public long settled_at { get; set; }
    public int outcome { get; set; }
    public int http_status { get; set; }
    public long input_tokens { get; set; }
    public long cache_write_5m_tokens { get; set; }
    public long cache_write_1h_tokens { get; set; }
    public long cache_read_tokens { get; set; }
    public long output_tokens { get; set; }
    public long thinking_tokens { get; set; }
    public int usage_estimated { get; set; }
    public long? price_micro_usd { get; set; }
    public long? cost_micro_usd { get; set; }
    public long? first_byte_us { get; set; }
    public long duration_us { get; set; }
    public string? decision_id { get; set; }
    public long request_bytes { get; set; }
    public long response_bytes { get; set; }

    private AttemptKey Key => new(new Guid(request_id, bigEndian: true), attempt);

    public AdmissionRecord Admission() => new()
    {
        Key = Key,
        At = TimeOf(admitted_at),
        KeyId = key_id,
        Org = org,
        Workspace = workspace,
        Model = model,
        Pool = pool,
        Replica = replica,
        Dialect = (Dialect)dialect,
        Stream = stream != 0,
        PromptTokensEstimate = prompt_tokens_estimate,
        OutputTokensMax = output_tokens_max,
    };

    public SettlementRecord? Settlement() => settled == 0 ? null : new SettlementRecord
    {
        Key = Key,
        At = TimeOf(settled_at),
        Outcome = (AttemptOutcome)outcome,
        HttpStatus = http_status,
        Usage = new TokenUsage(
            input_tokens, cache_write_5m_tokens, cache_write_1h_tokens, cache_read_tokens, output_tokens,
            thinking_tokens),
        UsageIsEstimated = usage_estimated != 0,
        Price = price_micro_usd is { } price ? new Money(price) : null,
        Cost = cost_micro_usd is { } cost ? new Money(cost) : null,
        FirstByteAfter = first_byte_us is { } first ? TimeSpan.FromMicroseconds(first) : null,
        Duration = TimeSpan.FromMicroseconds(duration_us),
        DecisionId = decision_id ?? "",
        RequestBytes = request_bytes,
        ResponseBytes = response_bytes,
    };

    private static DateTimeOffset TimeOf(long microseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
}

/// <summary>A row of <c>postings</c>.</summary>
internal sealed class PostingRow
{
    public int attempt { get; set; }
    public string side { get; set; } = "";
    public string account { get; set; } = "";
    public long micro_usd { get; set; }
}
#pragma warning restore IDE1006, CA1812
