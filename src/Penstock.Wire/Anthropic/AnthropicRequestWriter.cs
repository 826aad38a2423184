using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>Writes the body of <c>POST /v1/messages</c>. Pure; safe from any thread.</summary>
public static class AnthropicRequestWriter
{
    /// <summary>Writes the request.</summary>
    /// <returns>Null, or what the request holds that this dialect cannot say; the output is then of no use.</returns>
    public static Failure? Write(TurnRequest request, TranslationSettings settings, IBufferWriter<byte> output)
    {
        using var json = JsonOutput.To(output);
        var own = request.Source == Dialect.Anthropic;
        var parts = new AnthropicPartWriter(json, own);
        json.WriteStartObject();
        json.WriteString("model"u8, settings.EngineModel ?? request.Model);
        json.WriteNumber("max_tokens"u8, request.MaxTokens ?? settings.DefaultMaxTokens);
        WriteSystem(json, parts, request, settings);
        json.WriteStartArray("messages"u8);
        WriteMessages(json, parts, request, settings);
        json.WriteEndArray();
        WriteTools(json, request, own);
        WriteSampling(json, request, settings);
        WriteOptions(json, request);
        if (own)
        {
            json.WriteExtra(request.Extra);
        }
        else if (settings.AutomaticCaching)
        {
            json.WriteStartObject("cache_control"u8);
            json.WriteString("type"u8, "ephemeral"u8);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        return parts.Failure;
    }

    // System text at the front goes to the top; text further on too, unless it may stay where it is.
    private static void WriteSystem(
        Utf8JsonWriter json, AnthropicPartWriter parts, TurnRequest request, TranslationSettings settings)
    {
        var started = false;
        for (var i = 0; i < request.Messages.Length; i++)
        {
            var message = request.Messages[i];
            if (message.Role != TurnRole.System || !IsHoisted(request, i, settings))
            {
                continue;
            }

            if (!started)
            {
                json.WriteStartArray("system"u8);
                started = true;
            }

            foreach (var part in message.Parts)
            {
                parts.Write(part, TurnRole.System);
            }
        }

        if (started)
        {
            json.WriteEndArray();
        }
    }

    private static bool IsHoisted(TurnRequest request, int index, TranslationSettings settings)
    {
        if (index == 0 || !settings.KeepSystemPositions)
        {
            return true;
        }

        for (var i = 0; i < index; i++)
        {
            if (request.Messages[i].Role != TurnRole.System)
            {
                return false;
            }
        }

        // The Anthropic dialect has one place at the front; a system message that follows it there is its own.
        return request.Source != Dialect.Anthropic;
    }

    private static void WriteMessages(
        Utf8JsonWriter json, AnthropicPartWriter parts, TurnRequest request, TranslationSettings settings)
    {
        TurnRole? open = null;
        for (var i = 0; i < request.Messages.Length; i++)
        {
            var message = request.Messages[i];
            if (message.Role == TurnRole.System && IsHoisted(request, i, settings))
            {
                continue;
            }

            if (!message.Parts.Any(part => parts.Writes(part, message.Role)))
            {
                continue;
            }

            // All results of one turn's calls belong into one user turn, before whatever the user says after them.
            var joins = request.Source != Dialect.Anthropic && open == message.Role && message.Role == TurnRole.User;
            if (!joins)
            {
                if (open is not null)
                {
                    CloseMessage(json);
                }

                OpenMessage(json, message, request.Source == Dialect.Anthropic);
                open = message.Role;
            }

            foreach (var part in message.Parts)
            {
                parts.Write(part, message.Role);
            }
        }

        if (open is not null)
        {
            CloseMessage(json);
        }
    }

    private static void OpenMessage(Utf8JsonWriter json, TurnMessage message, bool own)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, message.Role switch
        {
            TurnRole.Assistant => "assistant"u8,
            TurnRole.System => "system"u8,
            _ => "user"u8,
        });
        if (own)
        {
            json.WriteExtra(message.Extra);
        }

        json.WriteStartArray("content"u8);
    }

    private static void CloseMessage(Utf8JsonWriter json)
    {
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTools(Utf8JsonWriter json, TurnRequest request, bool own)
    {
        if (request.Tools.Length > 0)
        {
            json.WriteStartArray("tools"u8);
            foreach (var tool in request.Tools)
            {
                WriteTool(json, tool, own);
            }

            json.WriteEndArray();
        }

        var choice = request.ToolChoice;
        if (choice is null && (request.ParallelToolCalls != false || request.Tools.IsEmpty))
        {
            return;
        }

        json.WriteStartObject("tool_choice"u8);
        json.WriteString("type"u8, choice?.Kind switch
        {
            ToolChoiceKind.Any => "any"u8,
            ToolChoiceKind.Tool => "tool"u8,
            ToolChoiceKind.None => "none"u8,
            _ => "auto"u8,
        });
        if (choice?.Name is { } name)
        {
            json.WriteString("name"u8, name);
        }

        if (request.ParallelToolCalls is { } parallel && choice?.Kind != ToolChoiceKind.None && (own || !parallel))
        {
            json.WriteBoolean("disable_parallel_tool_use"u8, !parallel);
        }

        json.WriteEndObject();
    }

    private static void WriteTool(Utf8JsonWriter json, ToolDefinition tool, bool own)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, tool.Name);
        if (tool.Description is not null)
        {
            json.WriteString("description"u8, tool.Description);
        }

        if (tool.ProviderType is null)
        {
            json.WriteRaw("input_schema"u8, tool.Schema);
        }

        if (tool.Strict is { } strict)
        {
            json.WriteBoolean("strict"u8, strict);
        }

        if (own)
        {
            json.WriteExtra(tool.Extra);
        }

        json.WriteEndObject();
    }

    private static void WriteSampling(Utf8JsonWriter json, TurnRequest request, TranslationSettings settings)
    {
        // Stop sequences of white space alone are refused by this API.
        var stops = request.StopSequences.RemoveAll(static stop => string.IsNullOrWhiteSpace(stop));
        if (stops.Length > 0)
        {
            json.WriteStartArray("stop_sequences"u8);
            foreach (var stop in stops)
            {
                json.WriteStringValue(stop);
            }

            json.WriteEndArray();
        }

        if (!settings.SamplingToAnthropic)
        {
            return;
        }

        if (request.Temperature is { } temperature)
        {
            json.WriteNumber("temperature"u8, Math.Min(1, temperature));
        }

        if (request.TopP is { } topP)
        {
            json.WriteNumber("top_p"u8, topP);
        }

        if (request.TopK is { } topK)
        {
            json.WriteNumber("top_k"u8, topK);
        }
    }

    private static void WriteOptions(Utf8JsonWriter json, TurnRequest request)
    {
        if (request.Stream)
        {
            json.WriteBoolean("stream"u8, true);
        }

        AnthropicOptions.WriteThinking(json, request);
        AnthropicOptions.WriteOutputConfig(json, request);
        if (request.UserId is { } user)
        {
            json.WriteStartObject("metadata"u8);
            json.WriteString("user_id"u8, user);
            json.WriteEndObject();
        }

        if (request.Tier is ServiceTier.Auto or ServiceTier.Priority)
        {
            json.WriteString("service_tier"u8, "auto"u8);
        }
        else if (request.Tier == ServiceTier.Standard)
        {
            json.WriteString("service_tier"u8, "standard_only"u8);
        }
    }
}
