using System.Buffers;
using System.Text.Json;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>Writes the body of <c>POST /v1/chat/completions</c>. Pure; safe from any thread.</summary>
public static class OpenAiChatRequestWriter
{
    /// <summary>Writes the request.</summary>
    /// <returns>Null, or what the request holds that this dialect cannot say; the output is then of no use.</returns>
    public static Failure? Write(TurnRequest request, TranslationSettings settings, IBufferWriter<byte> output)
    {
        using var json = JsonOutput.To(output);
        json.WriteStartObject();
        json.WriteString("model"u8, settings.EngineModel ?? request.Model);
        var messages = new OpenAiMessageWriter(json, request, settings);
        json.WriteStartArray("messages"u8);
        messages.Write();
        json.WriteEndArray();
        var failure = messages.Failure ?? WriteTools(json, request);
        WriteSampling(json, request, settings);
        WriteStream(json, request);
        WriteOptions(json, request, settings);
        if (request.Source == Dialect.OpenAiChat)
        {
            json.WriteExtra(request.Extra);
        }

        json.WriteEndObject();
        return failure;
    }

    private static Failure? WriteTools(Utf8JsonWriter json, TurnRequest request)
    {
        var started = false;
        foreach (var tool in request.Tools)
        {
            if (tool.ProviderType is { } type)
            {
                // A tool that the provider runs is one the model does without; one that the client runs it was
                // promised, and its schema is known to nobody but the provider.
                if (ProviderTools.RunsAtProvider(type))
                {
                    continue;
                }

                return new Failure(
                    FailureKind.NotSupported,
                    $"{tool.Path}: tools of type '{type}' are not supported by the engine of this model",
                    tool.Path);
            }

            if (!started)
            {
                started = true;
                json.WriteStartArray("tools"u8);
            }

            WriteTool(json, tool, request.Source == Dialect.OpenAiChat);
        }

        if (started)
        {
            json.WriteEndArray();
            WriteToolChoice(json, request);
        }

        return null;
    }

    private static void WriteTool(Utf8JsonWriter json, ToolDefinition tool, bool own)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "function"u8);
        json.WriteStartObject("function"u8);
        json.WriteString("name"u8, tool.Name);
        if (tool.Description is not null)
        {
            json.WriteString("description"u8, tool.Description);
        }

        json.WriteRaw("parameters"u8, tool.Schema);
        if (tool.Strict is { } strict)
        {
            json.WriteBoolean("strict"u8, strict);
        }

        json.WriteEndObject();
        if (own)
        {
            json.WriteExtra(tool.Extra);
        }

        json.WriteEndObject();
    }

    private static void WriteToolChoice(Utf8JsonWriter json, TurnRequest request)
    {
        switch (request.ToolChoice?.Kind)
        {
            case ToolChoiceKind.Auto:
                json.WriteString("tool_choice"u8, "auto"u8);
                break;
            case ToolChoiceKind.Any:
                json.WriteString("tool_choice"u8, "required"u8);
                break;
            case ToolChoiceKind.None:
                json.WriteString("tool_choice"u8, "none"u8);
                break;
            case ToolChoiceKind.Tool:
                json.WriteStartObject("tool_choice"u8);
                json.WriteString("type"u8, "function"u8);
                json.WriteStartObject("function"u8);
                json.WriteString("name"u8, request.ToolChoice.Name);
                json.WriteEndObject();
                json.WriteEndObject();
                break;
        }

        if (request.ParallelToolCalls is { } parallel)
        {
            json.WriteBoolean("parallel_tool_calls"u8, parallel);
        }
    }

    private static void WriteSampling(Utf8JsonWriter json, TurnRequest request, TranslationSettings settings)
    {
        if (request.MaxTokens is { } tokens)
        {
            json.WriteNumber(settings.MaxCompletionTokens ? "max_completion_tokens"u8 : "max_tokens"u8, tokens);
        }

        if (request.StopSequences.Length > 0)
        {
            json.WriteStartArray("stop"u8);
            foreach (var stop in request.StopSequences)
            {
                json.WriteStringValue(stop);
            }

            json.WriteEndArray();
        }

        if (request.Temperature is { } temperature)
        {
            json.WriteNumber("temperature"u8, temperature);
        }

        if (request.TopP is { } topP)
        {
            json.WriteNumber("top_p"u8, topP);
        }

        if (request.TopK is { } topK && settings.EngineExtensions)
        {
            json.WriteNumber("top_k"u8, topK);
        }
    }

    // Usage is always asked for: the gateway meters it, and the writer for the client leaves out what it did not ask.
    private static void WriteStream(Utf8JsonWriter json, TurnRequest request)
    {
        if (!request.Stream)
        {
            return;
        }

        json.WriteBoolean("stream"u8, true);
        json.WriteStartObject("stream_options"u8);
        json.WriteBoolean("include_usage"u8, true);
        json.WriteEndObject();
    }

    private static void WriteOptions(Utf8JsonWriter json, TurnRequest request, TranslationSettings settings)
    {
        if (request.Format is { } format)
        {
            WriteFormat(json, format);
        }

        if (EffortName(request.Effort, settings.EffortMax) is { IsEmpty: false } effort)
        {
            json.WriteString("reasoning_effort"u8, effort);
        }

        if (request.Thinking?.Mode == ThinkingMode.Disabled && settings.EngineExtensions)
        {
            json.WriteStartObject("chat_template_kwargs"u8);
            json.WriteBoolean("enable_thinking"u8, false);
            json.WriteEndObject();
        }

        if (request.UserId is { } user)
        {
            json.WriteString("user"u8, user);
        }

        if (request.Tier is { } tier)
        {
            json.WriteString("service_tier"u8, tier switch
            {
                ServiceTier.Standard => "default"u8,
                ServiceTier.Priority => "priority"u8,
                ServiceTier.Flex => "flex"u8,
                _ => "auto"u8,
            });
        }
    }

    private static void WriteFormat(Utf8JsonWriter json, ResponseFormat format)
    {
        json.WriteStartObject("response_format"u8);
        if (format.Schema is { } schema)
        {
            json.WriteString("type"u8, "json_schema"u8);
            json.WriteStartObject("json_schema"u8);
            json.WriteString("name"u8, format.Name ?? "response");
            json.WriteRaw("schema"u8, schema);
            if (format.Strict is { } strict)
            {
                json.WriteBoolean("strict"u8, strict);
            }

            json.WriteEndObject();
        }
        else
        {
            json.WriteString("type"u8, "json_object"u8);
        }

        json.WriteEndObject();
    }

    private static ReadOnlySpan<byte> EffortName(Effort? effort, Effort? max)
    {
        if (effort is not { } wanted || max is not { } limit)
        {
            return default;
        }

        return (wanted < limit ? wanted : limit) switch
        {
            Effort.None => "none"u8,
            Effort.Minimal => "minimal"u8,
            Effort.Low => "low"u8,
            Effort.Medium => "medium"u8,
            Effort.High => "high"u8,
            _ => "xhigh"u8,
        };
    }
}
