using System.Text.Json;

namespace Penstock.Cli.Engine.Calls;

/// <summary>Reads the body of <c>POST /v1/chat/completions</c>.</summary>
internal static class ChatBody
{
    public static InferenceCall? Read(JsonBody body)
    {
        var prompt = new PromptTemplate();
        var tools = Tools(body, prompt);
        var messages = body.List("messages");
        if (body.Error is not null || !Turns(body, messages, prompt))
        {
            return null;
        }

        prompt.Role("assistant");
        var (mode, named) = Choice(body);
        var call = new InferenceCall
        {
            Model = body.Text("model"),
            Stream = body.Flag("stream"),
            IncludeUsage = IncludesUsage(body),
            TokensMax = body.Count("max_completion_tokens", 1) ?? body.Count("max_tokens", 1),
            TokensMin = body.Count("min_tokens", 0) ?? 0,
            IgnoreEnd = body.Flag("ignore_eos"),
            StopSequences = body.Texts("stop"),
            Prompt = new PromptTokens(prompt.Text, body.Text("cache_salt")),
            Tool = ToolChoice.Decide(tools, mode, named, LastTurn.Of(messages), body),
        };
        if (body.Count("n", 1) > 1)
        {
            body.Fail("n: a simulated engine gives one choice", "n");
        }

        return body.Error is null ? call : null;
    }

    /// <summary>The field <c>stream_options.include_usage</c>, which both OpenAI endpoints have.</summary>
    public static bool IncludesUsage(JsonBody body)
    {
        if (!body.Has("stream_options", out var options))
        {
            return false;
        }

        if (options.ValueKind != JsonValueKind.Object)
        {
            body.Fail("stream_options: Input should be a valid dictionary", "stream_options");
            return false;
        }

        return options.TryGetProperty("include_usage", out var include) && include.ValueKind == JsonValueKind.True;
    }

    private static bool Turns(JsonBody body, JsonElement messages, PromptTemplate prompt)
    {
        foreach (var message in messages.EnumerateArray())
        {
            if (message.ValueKind != JsonValueKind.Object
                || !message.TryGetProperty("role", out var role) || role.ValueKind != JsonValueKind.String)
            {
                body.Fail("messages: every message needs a role", "messages");
                return false;
            }

            prompt.Role(role.GetString()!);
            prompt.Content(message.TryGetProperty("content", out var content) ? content : default);
            if (message.TryGetProperty("tool_calls", out var calls) && calls.ValueKind == JsonValueKind.Array)
            {
                foreach (var call in calls.EnumerateArray())
                {
                    if (Function(call) is { } function)
                    {
                        prompt.Call(Name(function), Field(function, "arguments"));
                    }
                }
            }

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
            if (Function(tool) is not { } function || Name(function) is not { } name)
            {
                body.Fail("tools: every tool needs a function with a name", "tools");
                return tools;
            }

            prompt.Tool(name, Field(function, "description"), Field(function, "parameters"));
            tools.Add(new OfferedTool(name, Field(function, "parameters")));
        }

        return tools;
    }

    private static (ToolMode Mode, string? Name) Choice(JsonBody body)
    {
        if (!body.Has("tool_choice", out var choice))
        {
            return (ToolMode.Auto, null);
        }

        if (choice.ValueKind == JsonValueKind.Object)
        {
            return (ToolMode.Named, Function(choice) is { } function ? Name(function) : null);
        }

        switch (choice.ValueKind == JsonValueKind.String ? choice.GetString() : null)
        {
            case "auto":
                return (ToolMode.Auto, null);
            case "none":
                return (ToolMode.None, null);
            case "required":
                return (ToolMode.Any, null);
            default:
                body.Fail("tool_choice: Input should be 'none', 'auto', 'required' or a named function", "tool_choice");
                return (ToolMode.Auto, null);
        }
    }

    private static JsonElement? Function(JsonElement owner) =>
        owner.ValueKind == JsonValueKind.Object && owner.TryGetProperty("function", out var function)
            && function.ValueKind == JsonValueKind.Object ? function : null;

    private static string? Name(JsonElement function) =>
        Field(function, "name") is { ValueKind: JsonValueKind.String } name ? name.GetString() : null;

    private static JsonElement Field(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out var value) ? value : default;
}
