using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Recording;

/// <summary>One record of a log: a decision or an event.</summary>
internal sealed class PoolLogRecord
{
    public required bool IsDecision { get; init; }

    public required Instant At { get; init; }

    /// <summary>Of the request that was decided on, or what goes with the event.</summary>
    public RecordedPrompt Prompt { get; init; } = RecordedPrompt.None;

    public PoolEvent Event { get; init; }

    public ulong Id { get; init; }

    public long OutputTokensMax { get; init; }

    public ulong Key { get; init; }

    public ulong Session { get; init; }

    public RequestClass Class { get; init; }

    public bool ContextCompacted { get; init; }

    public bool AnswersWhole { get; init; }

    public Slo Slo { get; init; }

    public int[] Tried { get; init; } = [];

    public RouteDecision Decision { get; init; }

    public ulong CostPrint { get; init; }

    public RouteRequest Request => new()
    {
        At = At,
        Id = Id,
        Prompt = Prompt.Prefix,
        OutputTokensMax = OutputTokensMax,
        Key = Key,
        Session = Session,
        Class = Class,
        ContextCompacted = ContextCompacted,
        AnswersWhole = AnswersWhole,
        Slo = Slo,
        Tried = Tried,
    };
}

/// <summary>Reads the records that <see cref="PoolLogEncoder"/> wrote.</summary>
internal sealed class PoolLogDecoder
{
    private const int TriedMax = 1024;
    private const int BlocksMax = 1 << 20;

    private readonly PromptReader _prompts = new();
    private readonly Dictionary<RouteTicket, RecordedPrompt> _open = [];
    private Instant _last;

    /// <summary>The decision that was just read was carried out under this ticket.</summary>
    public void Dispatched(RouteTicket ticket, RecordedPrompt prompt) => _open[ticket] = prompt;

    /// <exception cref="InvalidDataException">The bytes are no record.</exception>
    public PoolLogRecord Read(ref FieldReader from)
    {
        var kind = (RecordKind)from.ReadByte();
        _last = new Instant(_last.Nanoseconds + from.ReadSigned());
        return kind == RecordKind.Decision ? ReadDecision(ref from) : ReadEvent(kind, ref from);
    }

    private PoolLogRecord ReadDecision(ref FieldReader from)
    {
        var id = from.ReadFixed();
        var prompt = _prompts.Read(ref from);
        var max = from.ReadSigned();
        var key = from.ReadFixed();
        var session = from.ReadFixed();
        var kind = (RequestClass)from.ReadByte();
        var flags = from.ReadByte();
        var slo = (flags & 4) != 0 ? new Slo(from.ReadDouble(), from.ReadDouble()) : default;
        var tried = new int[from.ReadCount(TriedMax)];
        for (var i = 0; i < tried.Length; i++)
        {
            tried[i] = (int)from.ReadSigned();
        }

        return new PoolLogRecord
        {
            IsDecision = true,
            At = _last,
            Id = id,
            Prompt = prompt,
            OutputTokensMax = max,
            Key = key,
            Session = session,
            Class = kind,
            ContextCompacted = (flags & 1) != 0,
            AnswersWhole = (flags & 2) != 0,
            Slo = slo,
            Tried = tried,
            Decision = new RouteDecision(
                (int)from.ReadSigned(), (int)from.ReadSigned(), from.ReadSigned(), from.ReadSigned(),
                from.ReadSigned(), from.ReadSigned()),
            CostPrint = from.ReadFixed(),
        };
    }

    private PoolLogRecord ReadEvent(RecordKind kind, ref FieldReader from)
    {
        var prompt = RecordedPrompt.None;
        var happened = (PoolEventKind)(kind - RecordKind.FirstEvent) switch
        {
            PoolEventKind.FirstToken => PoolEvent.FirstToken(_last, ReadTicket(ref from)),
            PoolEventKind.Ended => ReadEnd(ref from, ref prompt),
            PoolEventKind.PeerGone => PoolEvent.PeerGone(_last, (int)from.ReadSigned()),
            PoolEventKind.PeerHeard => PoolEvent.PeerHeard(_last, (int)from.ReadSigned()),
            var other => ReadReplicaEvent(other, ref from, ref prompt),
        };
        return new PoolLogRecord { IsDecision = false, At = _last, Event = happened, Prompt = prompt };
    }

    private PoolEvent ReadReplicaEvent(PoolEventKind kind, ref FieldReader from, ref RecordedPrompt prompt)
    {
        var replica = (int)from.ReadSigned();
        switch (kind)
        {
            case PoolEventKind.Eligibility:
                return PoolEvent.Eligibility(
                    _last, replica, (Ineligible)from.ReadByte(), (int)from.ReadSigned());
            case PoolEventKind.LoadReported:
                var load = new EngineLoad(
                    (int)from.ReadSigned(), (int)from.ReadSigned(), from.ReadDouble(), (int)from.ReadSigned());
                return PoolEvent.LoadReported(_last, replica, in load);
            case PoolEventKind.CacheShaped:
                return PoolEvent.CacheShaped(_last, replica, ReadShape(ref from));
            case PoolEventKind.CacheLost:
                return PoolEvent.CacheLost(_last, replica);
            case PoolEventKind.Named:
                return PoolEvent.Named(_last, replica, from.ReadFixed());
            case PoolEventKind.Vacated:
                return PoolEvent.Vacated(_last, replica);
            case PoolEventKind.CacheStored:
                var stored = PoolEvent.CacheStored(_last, replica, (CacheTier)from.ReadByte());
                prompt = ReadBlocks(ref from);
                return stored;
            case PoolEventKind.CacheRemoved:
                var removed = PoolEvent.CacheRemoved(_last, replica, (CacheTier)from.ReadByte());
                prompt = ReadBlocks(ref from);
                return removed;
            case PoolEventKind.CacheResident:
                return PoolEvent.CacheResident(_last, replica, (CacheTier)from.ReadByte(), from.ReadSigned());
            case PoolEventKind.PeerLoad:
                var node = (int)from.ReadSigned();
                var share = new PeerShare((int)from.ReadSigned(), from.ReadSigned(), from.ReadSigned());
                return PoolEvent.PeerLoad(_last, replica, node, in share);
            case PoolEventKind.PeerPrefix:
                var heard = PoolEvent.PeerPrefix(_last, replica, (int)from.ReadSigned());
                prompt = ReadBlocks(ref from);
                return heard;
            case PoolEventKind.PeerAnswered:
                var answered = PoolEvent.PeerAnswered(
                    _last, replica, (int)from.ReadSigned(), from.ReadSigned(), from.ReadSigned());
                prompt = _prompts.Read(ref from);
                return answered;
            default:
                throw new InvalidDataException($"there is no record of kind {(int)kind}");
        }
    }

    private PoolEvent ReadEnd(ref FieldReader from, ref RecordedPrompt prompt)
    {
        var ticket = ReadTicket(ref from);
        var end = (RouteEnd)from.ReadByte();
        var (promptTokens, cached, output) = (from.ReadSigned(), from.ReadSigned(), from.ReadSigned());
        if (from.ReadByte() == 1)
        {
            prompt = _open.Remove(ticket, out var dispatched)
                ? dispatched
                : throw new InvalidDataException("a request ends that was not dispatched");
        }
        else
        {
            prompt = _prompts.Read(ref from);
        }

        return PoolEvent.Ended(_last, ticket, end, promptTokens, cached, output);
    }

    private static RouteTicket ReadTicket(ref FieldReader from) =>
        new((int)from.ReadSigned(), (int)from.ReadSigned());

    private static CacheShape ReadShape(ref FieldReader from)
    {
        var shape = new CacheShape
        {
            Kind = (CacheKind)from.ReadByte(),
            CapacityTokens = from.ReadSigned(),
            BlockTokens = (int)from.ReadSigned(),
            Slots = (int)from.ReadSigned(),
            HostTokens = from.ReadSigned(),
            DiskTokens = from.ReadSigned(),
            Ranks = (int)from.ReadSigned(),
        };
        var tiers = from.ReadByte();
        return shape with
        {
            HasHost = (tiers & 1) != 0,
            HasDisk = (tiers & 2) != 0,
            Restoring = new RestoreCosts(ReadCost(ref from), ReadCost(ref from), ReadCost(ref from)),
        };
    }

    private static double? ReadCost(ref FieldReader from) =>
        from.ReadDouble() is var cost && double.IsNaN(cost) ? null : cost;

    private static RecordedPrompt ReadBlocks(ref FieldReader from)
    {
        var blocks = new ulong[from.ReadCount(BlocksMax)];
        for (var i = 0; i < blocks.Length; i++)
        {
            blocks[i] = from.ReadFixed();
        }

        return new RecordedPrompt(blocks, [], 0);
    }
}
