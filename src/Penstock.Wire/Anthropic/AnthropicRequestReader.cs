using System.Collections.Frozen;
using System.Collections.Immutable;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>Reads the body of <c>POST /v1/messages</c>. Pure; safe from any thread.</summary>
public static class AnthropicRequestReader
{
    private static readonly FrozenSet<string> Known = FrozenSet.Create(
        "model", "messages", "system", "tools", "tool_choice", "max_tokens", "stop_sequences", "temperature", "top_p",
        "top_k", "stream", "output_config", "thinking", "metadata", "service_tier");

    private static readonly FrozenSet<string> KnownInMessage = FrozenSet.Create("role", "content");

    private static readonly FrozenSet<string> KnownInTool =
        FrozenSet.Create("name", "description", "input_schema", "strict");

    private static readonly FrozenSet<string> KnownInThinking = FrozenSet.Create("type", "budget_tokens");

    /// <summary>The request, or null with the failure that names the field at fault.</summary>
    public static TurnRequest? Read(ReadOnlyMemory<byte> body, out Failure? failure) =>
        BodyReading.Request(body, Dialect.Anthropic, ReadRoot, out failure);

    private static TurnRequest ReadRoot(Field root)
    {
        var choice = root["tool_choice"];
        var output = root["output_config"];
        return new TurnRequest
        {
            Source = Dialect.Anthropic,
            Model = root["model"].RequiredText(),
            MaxTokens = root["max_tokens"].Required().Integer(0),
            Messages = ReadConversation(root),
            Tools = root["tools"].Items(ReadTool),
            ToolChoice = choice.Exists ? ReadToolChoice(choice) : null,
            ParallelToolCalls = choice["disable_parallel_tool_use"].Flag() is { } disabled ? !disabled : null,
            StopSequences = root["stop_sequences"].Items(static item => item.RequiredText()),
            Temperature = root["temperature"].Number(0, 1),
            TopP = root["top_p"].Number(0, 1),
            TopK = root["top_k"].Integer(0),
            Stream = root["stream"].Flag() ?? false,
            IncludeUsage = true,
            Format = ReadFormat(output["format"]),
            Effort = ReadEffort(output["effort"]),
            Thinking = ReadThinking(root["thinking"]),
            UserId = root["metadata"]["user_id"].Text(),
            Tier = ReadTier(root["service_tier"]),
            Extra = root.Extra(Known),
        };
    }

    private static ImmutableArray<TurnMessage> ReadConversation(Field root)
    {
        var system = root["system"];
        var messages = root["messages"].Required().Items(ReadMessage);
        if (!system.Exists)
        {
            return messages;
        }

        ImmutableArray<TurnPart> parts = system.IsText
            ? [new TextPart(system.RequiredText())]
            : system.Items(static block => AnthropicPartReader.Read(block));
        return messages.Insert(0, new TurnMessage(TurnRole.System, parts));
    }

    private static TurnMessage ReadMessage(Field message)
    {
        var role = message["role"];
        var speaker = role.RequiredText() switch
        {
            "user" => TurnRole.User,
            "assistant" => TurnRole.Assistant,
            "system" => TurnRole.System,
            _ => (TurnRole?)null,
        };
        if (speaker is null)
        {
            role.Fault("Input should be 'user', 'assistant' or 'system'");
        }

        return new TurnMessage(speaker ?? TurnRole.User, AnthropicPartReader.ReadContent(message["content"].Required()))
        {
            Extra = message.Extra(KnownInMessage),
        };
    }

    private static ToolDefinition ReadTool(Field tool)
    {
        var type = tool["type"].Text();
        var schema = tool["input_schema"];
        var isFunction = type is null or "custom" || schema.Exists;
        if (isFunction)
        {
            schema.Required();
        }

        return new ToolDefinition(
            isFunction ? tool["name"].RequiredText() : tool["name"].Text() ?? type ?? "",
            tool["description"].Text(),
            schema.Object() ?? RawJson.EmptyObject)
        {
            Strict = tool["strict"].Flag(),
            ProviderType = isFunction ? null : type,
            Path = tool.Path,
            Extra = tool.Extra(KnownInTool),
        };
    }

    private static ToolChoice? ReadToolChoice(Field choice)
    {
        switch (choice["type"].RequiredText())
        {
            case "auto":
                return new ToolChoice(ToolChoiceKind.Auto);
            case "any":
                return new ToolChoice(ToolChoiceKind.Any);
            case "none":
                return new ToolChoice(ToolChoiceKind.None);
            case "tool":
                return new ToolChoice(ToolChoiceKind.Tool, choice["name"].RequiredText());
            default:
                choice["type"].Fault("Input should be 'auto', 'any', 'tool' or 'none'");
                return null;
        }
    }

    private static ResponseFormat? ReadFormat(Field format)
    {
        if (!format.Exists)
        {
            return null;
        }

        if (format["type"].RequiredText() != "json_schema")
        {
            format["type"].Fault("Input should be 'json_schema'");
        }

        return new ResponseFormat(format["schema"].Required().Object(), format["name"].Text(), Strict: true);
    }

    private static Effort? ReadEffort(Field effort)
    {
        var value = effort.Text() switch
        {
            "low" => Effort.Low,
            "medium" => Effort.Medium,
            "high" => Effort.High,
            "xhigh" => Effort.ExtraHigh,
            "max" => Effort.Max,
            _ => (Effort?)null,
        };
        if (value is null && effort.Exists)
        {
            effort.Fault("Input should be 'low', 'medium', 'high', 'xhigh' or 'max'");
        }

        return value;
    }

    private static ThinkingConfig? ReadThinking(Field thinking)
    {
        if (!thinking.Exists)
        {
            return null;
        }

        var type = thinking["type"];
        var mode = type.RequiredText() switch
        {
            "disabled" => ThinkingMode.Disabled,
            "enabled" => ThinkingMode.Enabled,
            "adaptive" => ThinkingMode.Adaptive,
            "between_tools" => ThinkingMode.BetweenTools,
            _ => (ThinkingMode?)null,
        };
        if (mode is null)
        {
            type.Fault("Input should be 'adaptive', 'enabled', 'disabled' or 'between_tools'");
            return null;
        }

        return new ThinkingConfig(mode.Value, thinking["budget_tokens"].Integer(0))
        {
            Extra = thinking.Extra(KnownInThinking),
        };
    }

    private static ServiceTier? ReadTier(Field tier) => tier.Text() switch
    {
        "auto" => ServiceTier.Auto,
        "standard_only" => ServiceTier.Standard,
        _ => null,
    };
}
