using Penstock.Core.Primitives;
using Penstock.Gateway.Cluster;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Tests.Cluster;

/// <summary>A sink that remembers: the loads as they stand, and all that came. A test waits for what it expects.
/// </summary>
internal sealed class HeardNews : IPeerSink
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _loads = [];
    private readonly List<string> _lines = [];
    private readonly Dictionary<string, Instant> _asOf = [];
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>All that was said, but for the heartbeats.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>The load of each replica as its gateway said last, such as <c>a: p/r 1 2 3</c>.</summary>
    public IReadOnlyList<string> Loads
    {
        get
        {
            lock (_lock)
            {
                return [.. _loads.Select(l => $"{l.Key} {l.Value}").Order(StringComparer.Ordinal)];
            }
        }
    }

    public Instant AsOf(string node)
    {
        lock (_lock)
        {
            return _asOf.GetValueOrDefault(node);
        }
    }

    /// <summary>Completes once the loads are these.</summary>
    public Task WhenLoadsAsync(params string[] loads) => WhenAsync(
        () => Loads.SequenceEqual(loads),
        () => $"wanted {string.Join(" | ", loads)}, have {string.Join(" | ", Loads)}");

    /// <summary>Completes once this was said.</summary>
    public Task WhenSaidAsync(string line) => WhenAsync(() => Lines.Contains(line), () => $"not said: {line}");

    public async Task WhenAsync(Func<bool> holds, Func<string> otherwise)
    {
        using var late = new CancellationTokenSource(s_patience);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(
            late.Token, TestContext.Current.CancellationToken);
        while (true)
        {
            Task news;
            lock (_lock)
            {
                news = _news.Task;
            }

            if (holds())
            {
                return;
            }

            try
            {
                await news.WaitAsync(either.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail(otherwise());
            }
        }
    }

    public void PeerLoad(
        PeerNode node, string pool, string replica, int inFlight, long prefillTokens, long decodeTokens, Instant at) =>
        Note(null, () => _loads[$"{node.Name}: {pool}/{replica}"] = $"{inFlight} {prefillTokens} {decodeTokens}");

    public void PeerPrefix(PeerNode node, string pool, string replica, ReadOnlySpan<ulong> blocks, Instant at) =>
        Note($"{node.Name}: prefix {pool}/{replica} {string.Join(',', blocks.ToArray())}");

    public void PeerAnswered(
        PeerNode node, string pool, string replica, ReadOnlySpan<ulong> blocks, in PeerAnswer answer, Instant at) =>
        Note($"{node.Name}: answered {pool}/{replica} {answer.PromptTokens} {answer.AnswerTokens}");

    public void PeerCacheLost(PeerNode node, string pool, string replica, Instant at) =>
        Note($"{node.Name}: lost {pool}/{replica}");

    public void PeerHeard(PeerNode node, Instant at) => Note(null, () => _asOf[node.Name] = at);

    public void PeerGone(PeerNode node, Instant at) => Note($"{node.Name}: gone", () =>
    {
        foreach (var key in _loads.Keys.Where(k => k.StartsWith($"{node.Name}: ", StringComparison.Ordinal)).ToList())
        {
            _loads.Remove(key);
        }
    });

    private void Note(string? line, Action? change = null)
    {
        TaskCompletionSource news;
        lock (_lock)
        {
            change?.Invoke();
            if (line is not null)
            {
                _lines.Add(line);
            }

            news = _news;
            _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        news.SetResult();
    }
}
