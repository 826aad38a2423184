using System.Text.Json;

namespace Penstock.Cli.Engine.Calls;

/// <summary>Reads the body of <c>POST /v1/messages</c> and of <c>/v1/messages/count_tokens</c>.</summary>
internal static class MessagesBody
{
    public static InferenceCall? Read(JsonBody body) => Read(body, counting: false);

    /// <summary>The same body without <c>max_tokens</c>.</summary>
    public static InferenceCall? ReadForCount(JsonBody body) => Read(body, counting: true);

    private static InferenceCall? Read(JsonBody body, bool counting)
    {
        var prompt = new PromptTemplate();
        var tools = Tools(body, prompt);
        if (body.Has("system", out var system))
        {
            prompt.Role("system");
            prompt.Content(system);
            prompt.EndTurn();
        }

        var messages = body.List("messages");
        if (body.Error is not null || !Turns(body, messages, prompt))
        {
            return null;
        }

        prompt.Role("assistant");
        var (mode, named) = Choice(body);
        var call = new InferenceCall
        {
            Model = body.Text("model", required: true),
            Stream = body.Flag("stream"),
            IncludeUsage = true,
            TokensMax = counting ? null : body.Count("max_tokens", 1, required: true),
            TokensMin = body.Count("min_tokens", 0) ?? 0,
            IgnoreEnd = body.Flag("ignore_eos"),
            StopSequences = body.Texts("stop_sequences"),
            Prompt = new PromptTokens(prompt.Text, body.Text("cache_salt")),
            Tool = ToolChoice.Decide(tools, mode, named, LastTurn.Of(messages), body),
        };
        return body.Error is null ? call : null;
    }

    private static bool Turns(JsonBody body, JsonElement messages, PromptTemplate prompt)
    {
        var index = 0;
        foreach (var message in messages.EnumerateArray())
        {
            var where = FormattableString.Invariant($"messages.{index++}");
            if (message.ValueKind != JsonValueKind.Object
                || Field(message, "role") is not { ValueKind: JsonValueKind.String } role)
            {
                body.Fail($"{where}.role: Field required", where);
                return false;
            }

            if (role.GetString() is not ("user" or "assistant" or "system"))
            {
                body.Fail($"{where}.role: Input should be 'user', 'assistant' or 'system'", where);
                return false;
            }

            if (Field(message, "content").ValueKind is not (JsonValueKind.String or JsonValueKind.Array))
            {
                body.Fail($"{where}.content: Input should be a valid string or list", where);
                return false;
            }

            prompt.Role(role.GetString()!);
            prompt.Content(Field(message, "content"));
            prompt.EndTurn();
        }

        return true;
    }

    private static List<OfferedTool> Tools(JsonBody body, PromptTemplate prompt)
    {
        List<OfferedTool> tools = [];
        if (!body.Has("tools", out var list))
        {
            return tools;
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            body.Fail("tools: Input should be a valid list", "tools");
            return tools;
        }

        foreach (var tool in list.EnumerateArray())
        {
            if (tool.ValueKind != JsonValueKind.Object
                || Field(tool, "name") is not { ValueKind: JsonValueKind.String } name)
            {
                body.Fail("tools: every tool needs a name", "tools");
                return tools;
            }

            prompt.Tool(name.GetString(), Field(tool, "description"), Field(tool, "input_schema"));
            tools.Add(new OfferedTool(name.GetString()!, Field(tool, "input_schema")));
        }

        return tools;
    }

    private static (ToolMode Mode, string? Name) Choice(JsonBody body)
    {
        if (!body.Has("tool_choice", out var choice))
        {
            return (ToolMode.Auto, null);
        }

        var type = choice.ValueKind == JsonValueKind.Object ? Text(choice, "type") : null;
        switch (type)
        {
            case "auto":
                return (ToolMode.Auto, null);
            case "none":
                return (ToolMode.None, null);
            case "any":
                return (ToolMode.Any, null);
            case "tool":
                return (ToolMode.Named, Text(choice, "name"));
            default:
                body.Fail("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'", "tool_choice");
                return (ToolMode.Auto, null);
        }
    }

    private static string? Text(JsonElement owner, string name) =>
        Field(owner, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static JsonElement Field(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out var value) ? value : default;
}
