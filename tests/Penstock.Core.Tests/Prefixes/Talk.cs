using System.Text;
using Penstock.Core.Prefixes;

namespace Penstock.Core.Tests.Prefixes;

/// <summary>A prompt of parts, and an index with one paged replica that it is sent to.</summary>
internal sealed class Talk : IDisposable
{
    private readonly PrefixChainBuilder _chain = new();
    private readonly PrefixMatch[] _matches;

    public Talk(CacheShape shape, int replicas = 1)
    {
        Index = new PrefixIndex(replicas, 4_096, PrefixKeying.Bytes);
        _matches = new PrefixMatch[replicas];
        Index.Shape(0, in shape);
    }

    public PrefixIndex Index { get; private set; }

    public static CacheShape Paged(long tokens = 100_000) =>
        new() { Kind = CacheKind.Paged, BlockTokens = 16, CapacityTokens = tokens };

    /// <summary>Tokens that replica 0 is believed to hold of the prompt.</summary>
    public long Predict(params string[] parts)
    {
        Index.Match(Prompt(parts), _matches);
        return _matches[0].Tokens;
    }

    public long TokensOf(params string[] parts) => Index.TokensOf(Prompt(parts));

    public PrefixClaim Send(double at, params string[] parts) =>
        Index.Dispatched(Prompt(parts), 0, Primitives(at));

    public void End(in PrefixClaim claim, double at, CacheReport report, params string[] parts) =>
        Index.Released(Prompt(parts), 0, in claim, in report, Primitives(at));

    /// <summary>Sends the prompt, and the engine answers with that usage.</summary>
    public void Ask(long tokens, long output, long cached, params string[] parts) =>
        AskAt(0, tokens, output, cached, parts);

    public void AskAt(double at, long tokens, long output, long cached, params string[] parts)
    {
        var claim = Send(at, parts);
        End(in claim, at, new CacheReport(true, tokens, cached, output), parts);
    }

    public void Dispose() => _chain.Dispose();

    /// <summary>A text of that many bytes that is like no other.</summary>
    public static string Text(string name, int bytes) =>
        string.Concat(Enumerable.Range(0, (bytes / name.Length) + 1).Select(i => name + i))[..bytes];

    private static Core.Primitives.Instant Primitives(double at) => Core.Primitives.Instant.FromSeconds(at);

    private PromptPrefix Prompt(string[] parts)
    {
        _chain.Start(3);
        foreach (var part in parts)
        {
            _chain.Append(Encoding.UTF8.GetBytes($"<{part}>"));
            _chain.Mark();
        }

        return _chain.Prompt;
    }
}
