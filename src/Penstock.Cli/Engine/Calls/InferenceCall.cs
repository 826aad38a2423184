using System.Text;
using Penstock.Core.Primitives;
using Penstock.Simulator.Replicas;
using Penstock.Simulator.Texts;

namespace Penstock.Cli.Engine.Calls;

/// <summary>What a body asks for, whatever its dialect.</summary>
internal sealed record InferenceCall
{
    /// <summary>The name that the caller used; null where the dialect lets it be left out.</summary>
    public string? Model { get; init; }

    public bool Stream { get; init; }

    /// <summary>A stream ends with the usage.</summary>
    public bool IncludeUsage { get; init; }

    /// <summary>Tokens of the answer at most, where the caller said so.</summary>
    public int? TokensMax { get; init; }

    public int TokensMin { get; init; }

    public bool IgnoreEnd { get; init; }

    public IReadOnlyList<string> StopSequences { get; init; } = [];

    public required PromptTokens Prompt { get; init; }

    /// <summary>The tool that the answer calls; null where it is text.</summary>
    public ToolCall? Tool { get; init; }

    /// <summary>The answer, with <paramref name="room"/> tokens left in the window.</summary>
    public PlannedAnswer Plan(EngineProfile profile, ulong seed, int room)
    {
        var max = Math.Min(TokensMax ?? room, room);
        return Tool is { } tool
            ? PlannedAnswer.ToolCall(PromptTemplate.Opening(tool.Name), tool.Arguments, max)
            : PlannedAnswer.Words(
                profile.Name,
                Hash64.Combine(seed, Prompt.Fingerprint),
                new AnswerLimits(max, Math.Min(TokensMin, max), IgnoreEnd, StopSequences));
    }
}

/// <summary>A call of a tool: its name and its arguments as JSON.</summary>
internal sealed record ToolCall(string Name, byte[] Arguments);

/// <summary>A prompt as the engine sees it.</summary>
internal sealed class PromptTokens
{
    private readonly uint[] _tokens;

    public PromptTokens(ReadOnlySpan<byte> text, string? cacheSalt)
        : this(Tokenize(text), cacheSalt)
    {
    }

    public PromptTokens(List<uint> tokens, string? cacheSalt)
    {
        _tokens = [.. tokens];
        Salt = cacheSalt is null ? 0 : Hash64.Of(Encoding.UTF8.GetBytes(cacheSalt));
        var all = PromptChain.Of(_tokens, Math.Max(1, Count));
        Fingerprint = all.Length == 0 ? 0 : all[^1];
    }

    public int Count => _tokens.Length;

    public ReadOnlySpan<uint> Tokens => _tokens;

    /// <summary>Keeps the cache of one caller from another's.</summary>
    public ulong Salt { get; }

    /// <summary>One number for the whole prompt.</summary>
    public ulong Fingerprint { get; }

    /// <summary>Prompt and answer: the next turn starts with both.</summary>
    public uint[] With(PlannedAnswer answer)
    {
        List<uint> all = new(_tokens.Length + answer.Tokens);
        all.AddRange(_tokens);
        TextTokens.Append(answer.Generated, all);
        return [.. all];
    }

    private static List<uint> Tokenize(ReadOnlySpan<byte> text)
    {
        List<uint> tokens = new(text.Length / 3);
        TextTokens.Append(text, tokens);
        return tokens;
    }
}
