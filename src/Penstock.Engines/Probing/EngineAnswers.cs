using System.Collections.Concurrent;

namespace Penstock.Engines.Probing;

/// <summary>
/// The answers of one engine during one probe. Several adapters look at the same pages: each is asked for once per
/// form of credential, whoever asks first.
/// </summary>
internal sealed class EngineAnswers(EngineClient client, EngineEndpoint endpoint)
{
    private readonly ConcurrentDictionary<(string What, AuthForm Auth), Lazy<Task<EngineAnswer>>> _asked = new();
    private string? _missing;

    public EngineEndpoint Endpoint => endpoint;

    /// <summary>The first page that was asked for and did not come (too late, broken off, or "not now"); null: none.
    /// What was concluded without it may be wrong.</summary>
    public string? Missing => Volatile.Read(ref _missing);

    public Task<EngineAnswer> GetAsync(EngineAdapter adapter, string path, CancellationToken cancel) =>
        Ask("GET " + path, adapter, () => client.GetAsync(adapter, endpoint, path, cancel));

    /// <summary>
    /// True where a POST to <paramref name="path"/> finds something that wants a body. A 500 counts: what was not there
    /// would not have choked on it.
    /// </summary>
    public async Task<bool> AcceptsAsync(EngineAdapter adapter, string path, CancellationToken cancel)
    {
        var answer = await Ask("POST " + path, adapter, () => client.PostNothingAsync(adapter, endpoint, path, cancel));
        return answer.End == AnswerEnd.Answered && !answer.IsWebPage
            && answer.Status is (>= 200 and < 300) or (>= 400 and <= 500 and not (404 or 405));
    }

    /// <summary>The flags of those of the given operations that the engine takes.</summary>
    public async Task<EngineCapabilities> FindAsync(
        EngineAdapter adapter,
        CancellationToken cancel,
        params IReadOnlyList<(EngineCapabilities Flag, string Path)> wanted)
    {
        var found = await Task.WhenAll(wanted.Select(w => AcceptsAsync(adapter, w.Path, cancel)));
        return wanted.Where((_, i) => found[i]).Aggregate(EngineCapabilities.None, (all, w) => all | w.Flag);
    }

    private Task<EngineAnswer> Ask(string what, EngineAdapter adapter, Func<Task<EngineAnswer>> ask) =>
        _asked.GetOrAdd((what, adapter.Auth), _ => new(() => NoteAsync(what, ask))).Value;

    private async Task<EngineAnswer> NoteAsync(string what, Func<Task<EngineAnswer>> ask)
    {
        var answer = await ask();
        if (answer.End != AnswerEnd.Answered || answer.Status is 502 or 503 or 504)
        {
            Interlocked.CompareExchange(ref _missing, what, null);
        }

        return answer;
    }
}
