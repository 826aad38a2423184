using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Penstock.Core.Metering;
using Penstock.Core.Primitives;
using Penstock.Gateway.Ledger;

namespace Penstock.Gateway.Api;

/// <summary>The usage report: its query string, and its JSON. Money is in dollars, as decimal strings.</summary>
internal static class UsageDocument
{
    private const string DayFormat = "yyyy-MM-dd";

    /// <summary>The query; null: <paramref name="problem"/> says what is wrong with it.</summary>
    public static UsageQuery? Parse(IQueryCollection query, out string? problem)
    {
        problem = null;
        var by = default(UsageGrouping);
        var named = query["by"].ToString() is { Length: > 0 } given ? given : "key,model";
        foreach (var part in named.Split(',', StringSplitOptions.TrimEntries))
        {
            var group = part switch
            {
                "key" => UsageGrouping.Key,
                "model" => UsageGrouping.Model,
                "day" => UsageGrouping.Day,
                _ => default,
            };
            if (group == default)
            {
                problem = $"by: '{part}' is none of key, model, day";
                return null;
            }

            by |= group;
        }

        if (!TryDay(query["from"], out var from) || !TryDay(query["to"], out var to))
        {
            problem = $"from and to are days such as {DayFormat}";
            return null;
        }

        if (from > to)
        {
            problem = "from is after to";
            return null;
        }

        return new UsageQuery
        {
            By = by,
            From = from,
            To = to?.AddDays(1),
            KeyId = query["key"].ToString() is { Length: > 0 } key ? key : null,
            Model = query["model"].ToString() is { Length: > 0 } model ? model : null,
        };
    }

    public static void Write(UsageQuery query, IReadOnlyList<UsageRow> rows, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartArray("rows");
        foreach (var row in rows)
        {
            json.WriteStartObject();
            WriteGroups(query, row, json);
            WriteSums(row, json);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("totals");
        WriteSums(Total(rows), json);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Dollars with six decimals.</summary>
    public static string Usd(Money money) => money.Usd.ToString("0.000000", CultureInfo.InvariantCulture);

    private static void WriteGroups(UsageQuery query, UsageRow row, Utf8JsonWriter json)
    {
        if (query.By.HasFlag(UsageGrouping.Key))
        {
            json.WriteString("key", row.KeyId);
        }

        if (query.By.HasFlag(UsageGrouping.Model))
        {
            json.WriteString("model", row.Model);
        }

        if (query.By.HasFlag(UsageGrouping.Day))
        {
            json.WriteString("day", row.Day?.ToString(DayFormat, CultureInfo.InvariantCulture));
        }
    }

    private static void WriteSums(UsageRow row, Utf8JsonWriter json)
    {
        json.WriteNumber("requests", row.Requests);
        json.WriteNumber("attempts", row.Attempts);
        json.WriteNumber("input_tokens", row.Usage.Input);
        json.WriteNumber("cache_write_5m_tokens", row.Usage.CacheWrite5m);
        json.WriteNumber("cache_write_1h_tokens", row.Usage.CacheWrite1h);
        json.WriteNumber("cache_read_tokens", row.Usage.CacheRead);
        json.WriteNumber("output_tokens", row.Usage.Output);
        json.WriteNumber("estimated_requests", row.Estimated);
        json.WriteNumber("unpriced_requests", row.Unpriced);
        json.WriteString("price_usd", Usd(row.Price));
    }

    private static UsageRow Total(IReadOnlyList<UsageRow> rows) => new()
    {
        Requests = rows.Sum(r => r.Requests),
        Attempts = rows.Sum(r => r.Attempts),
        Usage = new TokenUsage(
            rows.Sum(r => r.Usage.Input),
            rows.Sum(r => r.Usage.CacheWrite5m),
            rows.Sum(r => r.Usage.CacheWrite1h),
            rows.Sum(r => r.Usage.CacheRead),
            rows.Sum(r => r.Usage.Output),
            rows.Sum(r => r.Usage.Thinking)),
        Price = new Money(rows.Sum(r => r.Price.MicroUsd)),
        Cost = new Money(rows.Sum(r => r.Cost.MicroUsd)),
        Estimated = rows.Sum(r => r.Estimated),
        Unpriced = rows.Sum(r => r.Unpriced),
    };

    private static bool TryDay(string? text, out DateTimeOffset? day)
    {
        day = null;
        if (string.IsNullOrEmpty(text))
        {
            return true;
        }

        var ok = DateTimeOffset.TryParseExact(
            text, DayFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed);
        day = parsed;
        return ok;
    }
}
