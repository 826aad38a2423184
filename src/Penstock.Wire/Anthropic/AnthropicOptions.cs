using System.Text.Json;
using Penstock.Core.Models;
using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>Writes thinking, effort and output format of a Messages request.</summary>
internal static class AnthropicOptions
{
    public static void WriteThinking(Utf8JsonWriter json, TurnRequest request)
    {
        var thinking = request.Thinking;
        if (thinking is null && request.Effort == Effort.None)
        {
            thinking = new ThinkingConfig(ThinkingMode.Disabled);
        }

        if (thinking is null)
        {
            return;
        }

        json.WriteStartObject("thinking"u8);
        json.WriteString("type"u8, thinking.Mode switch
        {
            ThinkingMode.Disabled => "disabled"u8,
            ThinkingMode.Enabled => "enabled"u8,
            ThinkingMode.BetweenTools => "between_tools"u8,
            _ => "adaptive"u8,
        });
        if (thinking.BudgetTokens is { } budget)
        {
            json.WriteNumber("budget_tokens"u8, budget);
        }

        if (request.Source == Dialect.Anthropic)
        {
            json.WriteExtra(thinking.Extra);
        }

        json.WriteEndObject();
    }

    /// <summary>A JSON object without a schema has no counterpart here and is left out.</summary>
    public static void WriteOutputConfig(Utf8JsonWriter json, TurnRequest request)
    {
        var effort = EffortName(request.Effort);
        var schema = request.Format?.Schema;
        if (effort.IsEmpty && schema is null)
        {
            return;
        }

        json.WriteStartObject("output_config"u8);
        if (!effort.IsEmpty)
        {
            json.WriteString("effort"u8, effort);
        }

        if (schema is { } value)
        {
            json.WriteStartObject("format"u8);
            json.WriteString("type"u8, "json_schema"u8);
            json.WriteRaw("schema"u8, value);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static ReadOnlySpan<byte> EffortName(Effort? effort) => effort switch
    {
        Effort.Minimal or Effort.Low => "low"u8,
        Effort.Medium => "medium"u8,
        Effort.High => "high"u8,
        Effort.ExtraHigh => "xhigh"u8,
        Effort.Max => "max"u8,
        _ => default,
    };
}
