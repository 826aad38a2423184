using System.Threading.Channels;
using Penstock.Core.KvSync;
using Penstock.Engines.KvEvents;
using Penstock.Tests.Shared;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.Tests.Engines.KvEvents;

/// <summary>Writes down what a subscription says, a line each, and lets a test wait for the next.</summary>
internal sealed class RecordingKvListener : IKvEventListener
{
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource<int> _bound = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What is not of interest: connections, by default.</summary>
    public Func<KvNoticeKind, bool> IsQuiet { get; init; } =
        kind => kind is KvNoticeKind.Connected or KvNoticeKind.Disconnected;

    /// <summary>A bug that the next batch brings to light.</summary>
    public Exception? Throws { get; set; }

    /// <summary>The port that a subscription listens at.</summary>
    public Task<int> Bound => _bound.Task.WaitAsync(Wires.Guard);

    /// <summary>The next so many lines.</summary>
    public async Task<string> Next(int count = 1)
    {
        var lines = new List<string>();
        while (lines.Count < count)
        {
            try
            {
                lines.Add(await _lines.Reader.ReadAsync(Wires.Guard));
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"no more than: {string.Join("; ", lines)}");
            }
        }

        return string.Join("; ", lines);
    }

    /// <summary>Moves the clock by <paramref name="step"/> whenever somebody waits for it, until something is said.
    /// </summary>
    public async Task HearsWithin(ManualClock clock, TimeSpan step)
    {
        var heard = _lines.Reader.WaitToReadAsync(Wires.Guard).AsTask();
        while (await Task.WhenAny(heard, clock.WhenTimersWaitAsync(1, Wires.Guard)) != heard)
        {
            clock.Advance(step);
        }
    }

    /// <summary>Reads on until a line is the one wanted.</summary>
    public Task<string> Until(string line) => Until(l => l == line);

    /// <summary>Reads on until a line is one that is wanted.</summary>
    public async Task<string> Until(Func<string, bool> isWanted)
    {
        while (true)
        {
            if (await Next() is var line && isWanted(line))
            {
                return line;
            }
        }
    }

    public void Batch(KvSource source, ref KvBatchReader batch)
    {
        if (Throws is { } bug)
        {
            Throws = null;
            throw bug;
        }

        var line = $"{source}:";
        while (batch.TryNext(out var e))
        {
            var sign = e.Kind == KvEventKind.Stored ? '+' : '-';
            var tokens = e.Tokens.IsEmpty ? "" : $"/{e.Tokens.Length}";
            line += $" {sign}{string.Join(',', e.Hashes.ToArray())}{tokens}";
        }

        _lines.Writer.TryWrite(line);
    }

    public void Forget(KvSource source, KvForgetReason reason) => _lines.Writer.TryWrite($"forget {source} {reason}");

    public void LoadTold(KvSource source, in KvLoad load) =>
        _lines.Writer.TryWrite($"load {load.Running} {load.Waiting} {load.Tokens} {load.TokensMax} {load.Rank}");

    public void Surfaced(Exception bug) => _lines.Writer.TryWrite($"bug {bug.Message}");

    public void Noticed(in KvNotice notice)
    {
        if (notice.Kind == KvNoticeKind.Bound)
        {
            _bound.TrySetResult((int)notice.To);
        }
        else if (!IsQuiet(notice.Kind))
        {
            _lines.Writer.TryWrite(notice.Kind switch
            {
                KvNoticeKind.Gap or KvNoticeKind.Recovered => $"{notice.Kind} {notice.From}-{notice.To}",
                KvNoticeKind.StartedInTheMiddle => $"from {notice.To}",
                KvNoticeKind.Faulted => $"fault {notice.Fault} {notice.WireFault}",
                _ => notice.Kind.ToString(),
            });
        }
    }
}
