using System.Buffers;
using System.Runtime.InteropServices;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Recording;

/// <summary>
/// Turns what a pool decides and what happens to it into the records of a log, each whole and in order.
/// </summary>
/// <remarks>
/// Not thread-safe: it is called under the lock of the pool. Allocates nothing after warm-up, apart from what the
/// output does. A record costs about a hundred bytes, and eight for each block that is new.
/// </remarks>
internal sealed class PoolLogEncoder(IBufferWriter<byte> output)
{
    private readonly FieldWriter _to = new(output);
    private readonly PromptWriter _prompts = new();
    private int[] _open = [];
    private Instant _last;

    /// <summary>A new log begins: nothing refers to what was written before.</summary>
    public void Begin()
    {
        _prompts.Reset();
        Array.Clear(_open);
        _last = default;
    }

    /// <summary>A decision, before it is carried out.</summary>
    public void Decided(in RouteRequest request, in RouteDecision decision, ReadOnlySpan<Candidate> candidates)
    {
        WriteHead(RecordKind.Decision, request.At);
        _to.WriteFixed(request.Id);
        _prompts.Write(in _to, request.Prompt);
        _to.WriteSigned(request.OutputTokensMax);
        _to.WriteFixed(request.Key);
        _to.WriteFixed(request.Session);
        _to.Write((byte)request.Class);
        _to.Write((byte)(
            (request.ContextCompacted ? 1 : 0) | (request.AnswersWhole ? 2 : 0) | (request.Slo.IsSet ? 4 : 0)));
        if (request.Slo.IsSet)
        {
            _to.Write(request.Slo.FirstToken);
            _to.Write(request.Slo.PerToken);
        }

        _to.Write((ulong)request.Tried.Length);
        foreach (var tried in request.Tried)
        {
            _to.WriteSigned(tried);
        }

        _to.WriteSigned(decision.Replica);
        _to.WriteSigned(decision.RunnerUp);
        _to.WriteSigned(decision.PromptTokens);
        _to.WriteSigned(decision.MatchedTokens);
        _to.WriteSigned(decision.PredictedTokens);
        _to.WriteSigned(decision.OutputTokens);
        _to.WriteFixed(CostPrint.Of(candidates));
    }

    /// <summary>The decision before was carried out under this ticket.</summary>
    public void Dispatched(RouteTicket ticket)
    {
        if (ticket.Slot >= _open.Length)
        {
            Array.Resize(ref _open, Math.Max(64, (ticket.Slot + 1) * 2));
        }

        _open[ticket.Slot] = ticket.Generation;
    }

    /// <summary>Something else happened.</summary>
    public void Happened(in PoolEvent happened, in PromptPrefix prompt)
    {
        WriteHead((RecordKind)((byte)happened.Kind + (byte)RecordKind.FirstEvent), happened.At);
        switch (happened.Kind)
        {
            case PoolEventKind.FirstToken:
                WriteTicket(happened.Ticket);
                return;
            case PoolEventKind.Ended:
                WriteEnd(in happened, in prompt);
                return;
            case PoolEventKind.PeerGone or PoolEventKind.PeerHeard:
                _to.WriteSigned(happened.Node);
                return;
        }

        _to.WriteSigned(happened.Replica);
        switch (happened.Kind)
        {
            case PoolEventKind.Eligibility:
                _to.Write((byte)happened.Ineligible);
                _to.WriteSigned(happened.InFlightMax);
                break;
            case PoolEventKind.LoadReported:
                _to.WriteSigned(happened.Load.Running);
                _to.WriteSigned(happened.Load.Waiting);
                _to.Write(happened.Load.KvUsage);
                _to.WriteSigned(happened.Load.Slots);
                break;
            case PoolEventKind.CacheShaped:
                WriteShape(happened.Shape);
                break;
            case PoolEventKind.CacheStored or PoolEventKind.CacheRemoved:
                _to.Write((byte)happened.Tier);
                WriteBlocks(prompt.Blocks);
                break;
            case PoolEventKind.Named:
                _to.WriteFixed(happened.Name);
                break;
            case PoolEventKind.CacheResident:
                _to.Write((byte)happened.Tier);
                _to.WriteSigned(happened.Tokens);
                break;
            case PoolEventKind.PeerLoad:
                WriteShare(happened.Node, happened.Share);
                break;
            case PoolEventKind.PeerPrefix:
                _to.WriteSigned(happened.Node);
                WriteBlocks(prompt.Blocks);
                break;
            case PoolEventKind.PeerAnswered:
                _to.WriteSigned(happened.Node);
                _to.WriteSigned(happened.Report.PromptTokens);
                _to.WriteSigned(happened.Report.OutputTokens);
                _prompts.Write(in _to, in prompt);
                break;
        }
    }

    private void WriteHead(RecordKind kind, Instant at)
    {
        _to.Write((byte)kind);
        _to.WriteSigned(at.Nanoseconds - _last.Nanoseconds);
        _last = at;
    }

    private void WriteTicket(RouteTicket ticket)
    {
        _to.WriteSigned(ticket.Slot);
        _to.WriteSigned(ticket.Generation);
    }

    /// <summary>The prompt goes with it only where its dispatch is not in this log.</summary>
    private void WriteEnd(in PoolEvent happened, in PromptPrefix prompt)
    {
        var ticket = happened.Ticket;
        WriteTicket(ticket);
        _to.Write((byte)happened.End);
        _to.WriteSigned(happened.Report.PromptTokens);
        _to.WriteSigned(happened.Report.CachedTokens);
        _to.WriteSigned(happened.Report.OutputTokens);
        var known = ticket.Slot < _open.Length && _open[ticket.Slot] == ticket.Generation && ticket.Generation != 0;
        _to.Write((byte)(known ? 1 : 0));
        if (known)
        {
            _open[ticket.Slot] = 0;
        }
        else
        {
            _prompts.Write(in _to, in prompt);
        }
    }

    private void WriteShape(in CacheShape shape)
    {
        _to.Write((byte)shape.Kind);
        _to.WriteSigned(shape.CapacityTokens);
        _to.WriteSigned(shape.BlockTokens);
        _to.WriteSigned(shape.Slots);
        _to.WriteSigned(shape.HostTokens);
        _to.WriteSigned(shape.DiskTokens);
        _to.WriteSigned(shape.Ranks);
        _to.Write((byte)((shape.HasHost ? 1 : 0) | (shape.HasDisk ? 2 : 0)));
        _to.Write(shape.Restoring.Host ?? double.NaN);
        _to.Write(shape.Restoring.Disk ?? double.NaN);
        _to.Write(shape.Restoring.Shared ?? double.NaN);
    }

    private void WriteShare(int node, in PeerShare share)
    {
        _to.WriteSigned(node);
        _to.WriteSigned(share.InFlight);
        _to.WriteSigned(share.PrefillTokens);
        _to.WriteSigned(share.DecodeTokens);
    }

    private void WriteBlocks(ReadOnlySpan<ulong> blocks)
    {
        _to.Write((ulong)blocks.Length);
        foreach (var block in blocks)
        {
            _to.WriteFixed(block);
        }
    }
}

/// <summary>What a record says.</summary>
internal enum RecordKind : byte
{
    /// <summary>A decision.</summary>
    Decision = 1,

    /// <summary>An event: this and the value of its <see cref="PoolEventKind"/>.</summary>
    FirstEvent = 16,
}

/// <summary>One number for what the candidates of a decision cost.</summary>
internal static class CostPrint
{
    public static ulong Of(ReadOnlySpan<Candidate> candidates)
    {
        Span<double> costs = stackalloc double[128];
        ulong print = 0;
        while (!candidates.IsEmpty)
        {
            var count = Math.Min(costs.Length, candidates.Length);
            for (var i = 0; i < count; i++)
            {
                costs[i] = candidates[i].Cost;
            }

            print = Hash64.Of(MemoryMarshal.AsBytes(costs[..count]), print);
            candidates = candidates[count..];
        }

        return print;
    }
}
