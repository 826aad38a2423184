using System.Threading.Channels;
using Penstock.Core.Primitives;

namespace Penstock.Cli.Engine;

/// <summary>
/// How far one answer has come: written by the engine's clock, read by the request. The text is known in advance, so
/// the progress is a number, and a reader that is slow finds several tokens at once.
/// </summary>
internal sealed class AnswerFeed(long id, Instant submitted, int promptTokens)
{
    /// <summary>What <see cref="MoreThanAsync"/> says of an engine that died.</summary>
    public const int Lost = -1;

    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private volatile int _tokens;

    public long Id => id;

    public Instant Submitted => submitted;

    public int PromptTokens => promptTokens;

    /// <summary>Prompt tokens that were in the cache; known once there is a token.</summary>
    public int CachedTokens { get; set; }

    public Instant? Scheduled { get; set; }

    public Instant FirstToken { get; set; }

    public Instant LastToken { get; set; }

    /// <summary>Tokens produced so far.</summary>
    public int Tokens => _tokens;

    /// <summary>The engine died; there will be no more.</summary>
    public void Lose() => Report(Lost);

    public void Report(int tokens)
    {
        _tokens = tokens;
        _wake.Writer.TryWrite(true);
    }

    /// <summary>
    /// Waits for more tokens than <paramref name="known"/> and returns how many there are, or <see cref="Lost"/>.
    /// </summary>
    public async ValueTask<int> MoreThanAsync(int known, CancellationToken cancellation)
    {
        while (_tokens <= known && _tokens != Lost)
        {
            await _wake.Reader.ReadAsync(cancellation);
        }

        return _tokens;
    }
}
