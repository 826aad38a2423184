using System.Text;
using System.Text.Json;

namespace Penstock.Cli.Engine.Calls;

/// <summary>Reads the body of <c>POST /v1/completions</c>: a prompt as one text or as token ids.</summary>
internal static class CompletionBody
{
    /// <summary>What the endpoint gives where nothing was said, as vLLM does.</summary>
    private const int TokensMaxDefault = 16;

    public static InferenceCall? Read(JsonBody body)
    {
        var salt = body.Text("cache_salt");
        if (Prompt(body, salt) is not { } prompt)
        {
            return null;
        }

        var call = new InferenceCall
        {
            Model = body.Text("model"),
            Stream = body.Flag("stream"),
            IncludeUsage = ChatBody.IncludesUsage(body),
            TokensMax = body.Count("max_tokens", 1) ?? TokensMaxDefault,
            TokensMin = body.Count("min_tokens", 0) ?? 0,
            IgnoreEnd = body.Flag("ignore_eos"),
            StopSequences = body.Texts("stop"),
            Prompt = prompt,
        };
        return body.Error is null ? call : null;
    }

    private static PromptTokens? Prompt(JsonBody body, string? salt)
    {
        if (body.Has("prompt", out var prompt))
        {
            if (prompt.ValueKind == JsonValueKind.String && prompt.GetString() is { Length: > 0 } text)
            {
                return new PromptTokens(Encoding.UTF8.GetBytes(text), salt);
            }

            if (prompt.ValueKind == JsonValueKind.Array && prompt.GetArrayLength() > 0)
            {
                return OfArray(prompt, body, salt);
            }
        }

        body.Fail("prompt: Input should be a text or a list of token ids, and not be empty", "prompt");
        return null;
    }

    private static PromptTokens? OfArray(JsonElement prompt, JsonBody body, string? salt)
    {
        if (prompt[0].ValueKind == JsonValueKind.String && prompt.GetArrayLength() == 1
            && prompt[0].GetString() is { Length: > 0 } only)
        {
            return new PromptTokens(Encoding.UTF8.GetBytes(only), salt);
        }

        List<uint> tokens = new(prompt.GetArrayLength());
        foreach (var token in prompt.EnumerateArray())
        {
            if (token.ValueKind != JsonValueKind.Number || !token.TryGetUInt32(out var id))
            {
                body.Fail("prompt: a simulated engine takes one text or one list of token ids", "prompt");
                return null;
            }

            tokens.Add(id);
        }

        return new PromptTokens(tokens, salt);
    }
}
