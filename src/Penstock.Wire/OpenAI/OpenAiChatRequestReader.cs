using System.Collections.Frozen;
using System.Collections.Immutable;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>Reads the body of <c>POST /v1/chat/completions</c>. Pure; safe from any thread.</summary>
public static class OpenAiChatRequestReader
{
    private static readonly FrozenSet<string> Known = FrozenSet.Create(
        "model", "messages", "tools", "tool_choice", "parallel_tool_calls", "max_tokens", "max_completion_tokens",
        "stop", "temperature", "top_p", "top_k", "stream", "stream_options", "response_format", "reasoning_effort",
        "user", "safety_identifier", "service_tier", "n");

    private static readonly FrozenSet<string> KnownInTool = FrozenSet.Create("type", "function");

    /// <summary>The request, or null with the failure that names the field at fault.</summary>
    public static TurnRequest? Read(ReadOnlyMemory<byte> body, out Failure? failure) =>
        BodyReading.Request(body, Dialect.OpenAiChat, ReadRoot, out failure);

    private static TurnRequest ReadRoot(Field root)
    {
        RefuseUnsupported(root);
        var choice = root["tool_choice"];
        var stop = root["stop"];
        return new TurnRequest
        {
            Source = Dialect.OpenAiChat,
            Model = root["model"].RequiredText(),
            Messages = root["messages"].Required().Items(OpenAiMessageReader.Read),
            Tools = root["tools"].Items(ReadTool),
            ToolChoice = choice.Exists ? ReadToolChoice(choice) : null,
            ParallelToolCalls = root["parallel_tool_calls"].Flag(),
            MaxTokens = root["max_completion_tokens"].Integer(0) ?? root["max_tokens"].Integer(0),
            StopSequences = stop.IsText ? [stop.RequiredText()] : stop.Items(static item => item.RequiredText()),
            Temperature = root["temperature"].Number(0, 2),
            TopP = root["top_p"].Number(0, 1),
            TopK = root["top_k"].Integer(-1) is > 0 and var topK ? topK : null,
            Stream = root["stream"].Flag() ?? false,
            IncludeUsage = root["stream_options"]["include_usage"].Flag() ?? false,
            Format = ReadFormat(root["response_format"]),
            Effort = ReadEffort(root["reasoning_effort"]),
            UserId = root["safety_identifier"].Text() ?? root["user"].Text(),
            Tier = ReadTier(root["service_tier"]),
            Extra = root.Extra(Known),
        };
    }

    private static void RefuseUnsupported(Field root)
    {
        if (root["n"].Integer(1) is > 1)
        {
            root["n"].Fault("only one choice can be produced", FailureKind.NotSupported);
        }

        if (root["functions"].Exists)
        {
            root["functions"].Fault("use 'tools'", FailureKind.NotSupported);
        }
    }

    private static ToolDefinition ReadTool(Field tool)
    {
        var type = tool["type"].RequiredText();
        if (type != "function" && !tool.Faulty)
        {
            tool["type"].Fault($"tools of type '{type}' are not supported", FailureKind.NotSupported);
        }

        var function = tool["function"].Required();
        return new ToolDefinition(
            function["name"].RequiredText(),
            function["description"].Text(),
            function["parameters"].Object() ?? RawJson.CopyOf("""{"type":"object","properties":{}}"""u8))
        {
            Strict = function["strict"].Flag(),
            Path = tool.Path,
            Extra = tool.Extra(KnownInTool),
        };
    }

    private static ToolChoice? ReadToolChoice(Field choice)
    {
        if (!choice.IsText)
        {
            if (choice["type"].RequiredText() == "function")
            {
                return new ToolChoice(ToolChoiceKind.Tool, choice["function"].Required()["name"].RequiredText());
            }

            choice["type"].Fault("Input should be 'function'", FailureKind.NotSupported);
            return null;
        }

        switch (choice.RequiredText())
        {
            case "auto":
                return new ToolChoice(ToolChoiceKind.Auto);
            case "required":
                return new ToolChoice(ToolChoiceKind.Any);
            case "none":
                return new ToolChoice(ToolChoiceKind.None);
            default:
                choice.Fault("Input should be 'auto', 'required', 'none' or a function");
                return null;
        }
    }

    private static ResponseFormat? ReadFormat(Field format)
    {
        if (!format.Exists)
        {
            return null;
        }

        switch (format["type"].RequiredText())
        {
            case "text":
                return null;
            case "json_object":
                return new ResponseFormat(null);
            case "json_schema":
                var schema = format["json_schema"].Required();
                return new ResponseFormat(
                    schema["schema"].Required().Object(), schema["name"].Text(), schema["strict"].Flag());
            default:
                format["type"].Fault("Input should be 'text', 'json_object' or 'json_schema'");
                return null;
        }
    }

    private static Effort? ReadEffort(Field effort)
    {
        var value = effort.Text() switch
        {
            "none" => Effort.None,
            "minimal" => Effort.Minimal,
            "low" => Effort.Low,
            "medium" => Effort.Medium,
            "high" => Effort.High,
            "xhigh" => Effort.ExtraHigh,
            _ => (Effort?)null,
        };
        if (value is null && effort.Exists)
        {
            effort.Fault("Input should be 'none', 'minimal', 'low', 'medium', 'high' or 'xhigh'");
        }

        return value;
    }

    private static ServiceTier? ReadTier(Field tier) => tier.Text() switch
    {
        "auto" => ServiceTier.Auto,
        "default" => ServiceTier.Standard,
        "priority" => ServiceTier.Priority,
        "flex" => ServiceTier.Flex,
        _ => null,
    };
}
