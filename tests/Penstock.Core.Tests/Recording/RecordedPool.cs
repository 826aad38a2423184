using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Recording;
using Penstock.Core.Routing;
using Penstock.Core.Routing.Policies;

namespace Penstock.Core.Tests.Recording;

/// <summary>A router with a recorder, to which a seeded history of everything that can happen is done.</summary>
internal sealed class RecordedPool
{
    public const int Replicas = 4;

    /// <summary>What the wall clock says whenever a log begins.</summary>
    public const long StartTicks = 7;

    private readonly MemoryLogs _logs;
    private readonly List<(RouteTicket Ticket, ulong[] Blocks, PromptMark[] Marks, long Length)> _open = [];
    private readonly PoolLogHeader _header;
    private readonly PoolLogWriter _writer;
    private PoolRouter _router;
    private Rng _rng;
    private double _now;

    public RecordedPool(string policy, ulong seed, MemoryLogs logs)
    {
        var options = new PoolOptions(Replicas, 512);
        _logs = logs;
        _rng = new Rng(seed);
        _router = new PoolRouter(new PoolState(options), RoutePolicies.Create(policy)!, seed);
        _header = new PoolLogHeader
        {
            Pool = "main",
            Policy = policy,
            Seed = seed,
            Options = options,
            Replicas = ["a", "b", "c", "d"],
            Program = BuildName.Text,
            StartedTicks = 0,
            StartedAt = default,
        };
        _writer = new PoolLogWriter(_router, _header, logs, () => new LogTime(StartTicks, Now));
        _router.Recorder = _writer;
        for (var replica = 0; replica < Replicas; replica++)
        {
            _router.Tell(PoolEvent.Eligibility(Now, replica, Ineligible.No));
        }
    }

    public PoolLogWriter Writer => _writer;

    public long Decisions { get; private set; }

    /// <summary>Decisions of the default policy that passed over somebody who misses an objective.</summary>
    public long PassingOver { get; private set; }

    private Instant Now => Instant.FromSeconds(_now);

    public IReadOnlyList<byte[]> Finish()
    {
        _writer.End();
        return _logs.All;
    }

    /// <summary>A reload: replica a is gone, and another has its slot; or another policy decides from now on.</summary>
    public void Reload(string? policy)
    {
        foreach (var (ticket, blocks, marks, length) in _open.Where(o => _router.State.ReplicaOf(o.Ticket) == 0))
        {
            var prompt = new PromptPrefix { Blocks = blocks, Marks = marks, Length = length };
            _router.Tell(PoolEvent.Ended(Now, ticket, RouteEnd.Failed), in prompt);
        }

        _router.Tell(PoolEvent.Vacated(Now, 0));
        if (policy is not null)
        {
            _router = new PoolRouter(_router.State, RoutePolicies.Create(policy)!, _header.Seed);
        }

        _writer.Continue(_router, _header with { Policy = _router.Policy.Name, Replicas = ["e", "b", "c", "d"] });
        _router.Tell(PoolEvent.Eligibility(Now, 0, Ineligible.No));
    }

    public void Live(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            _now += _rng.NextDouble() * 0.1;
            Step(_rng.NextInt32(16));
        }
    }

    private void Step(int kind)
    {
        var replica = _rng.NextInt32(Replicas);
        switch (kind)
        {
            case < 4:
                Dispatch();
                break;
            case < 6 when _open.Count > 0:
                _router.Tell(PoolEvent.FirstToken(Now, _open[_rng.NextInt32(_open.Count)].Ticket));
                break;
            case < 10 when _open.Count > 0:
                End();
                break;
            case 10:
                var ineligible = (Ineligible)(_rng.NextInt32(2) * _rng.NextInt32(3));
                _router.Tell(PoolEvent.Eligibility(Now, replica, ineligible, 1 + (9 * replica)));
                break;
            case 11:
                var load = new EngineLoad(_rng.NextInt32(9), _rng.NextInt32(5), double.NaN, 4);
                _router.Tell(PoolEvent.LoadReported(Now, replica, in load));
                break;
            case 12:
                TellOfCache(replica);
                break;
            case 13:
                var share = new PeerShare(_rng.NextInt32(9), _rng.NextInt32(9_000), _rng.NextInt32(9_000));
                _router.Tell(PoolEvent.PeerLoad(Now, replica, _rng.NextInt32(3), in share));
                break;
            case 14:
                _router.Tell(
                    PoolEvent.PeerPrefix(Now, replica, 1), new PromptPrefix { Blocks = Chain(7, _rng.NextInt32(20)) });
                break;
            case 15 when _rng.NextInt32(2) == 0:
                var mark = new PromptMark(1 + _rng.NextInt32(5_000), 1 + (ulong)_rng.NextInt32(9));
                var answered = new PromptPrefix
                {
                    Blocks = Chain(7, _rng.NextInt32(20)),
                    Marks = new(in mark),
                    Length = mark.End,
                };
                _router.Tell(PoolEvent.PeerAnswered(Now, replica, 1, _rng.NextInt32(900), 40), answered);
                break;
            case 15 when _rng.NextInt32(2) == 0:
                _router.Tell(PoolEvent.PeerHeard(Now, _rng.NextInt32(3)));
                break;
            case 15 when _rng.NextInt32(8) == 0:
                _router.Tell(PoolEvent.PeerGone(Now, _rng.NextInt32(3)));
                break;
        }
    }

    private void TellOfCache(int replica)
    {
        switch (_rng.NextInt32(12))
        {
            case 0:
                _router.Tell(PoolEvent.CacheLost(Now, replica));
                break;
            case 1:
                var shape = new CacheShape
                {
                    Kind = CacheKind.Paged,
                    CapacityTokens = 20_000,
                    BlockTokens = 16,
                    Restoring = new RestoreCosts(0.1, null, 2),
                };
                _router.Tell(PoolEvent.CacheShaped(Now, replica, in shape));
                break;
            case 2:
                _router.Tell(PoolEvent.CacheResident(Now, replica, CacheTier.Device, _rng.NextInt32(30_000)));
                break;
            case 3:
                var stored = new PromptPrefix { Blocks = Chain(3, _rng.NextInt32(20)) };
                _router.Tell(PoolEvent.CacheStored(Now, replica, (CacheTier)_rng.NextInt32(4)), in stored);
                break;
            case 5:
                _router.Tell(PoolEvent.Named(Now, replica, _rng.NextUInt64()));
                break;
            case 4:
                var removed = new PromptPrefix { Blocks = Chain(3, 20).AsSpan(10) };
                _router.Tell(PoolEvent.CacheRemoved(Now, replica, CacheTier.Device), in removed);
                break;
        }
    }

    private void Dispatch()
    {
        var name = (ulong)_rng.NextInt32(6);
        var blocks = Chain(name, _rng.NextInt32(60));
        var length = (blocks.Length * 256L) + _rng.NextInt32(256);
        PromptMark[] marks =
        [
            new(length / 2, Hash64.Combine(name, (ulong)length / 2)),
            new(length, Hash64.Combine(name + 1, (ulong)length)),
        ];
        int[] tried = _rng.NextInt32(5) == 0 ? [_rng.NextInt32(Replicas)] : [];
        var request = new RouteRequest
        {
            At = Now,
            Id = 1_001 + (ulong)Decisions,
            Prompt = new PromptPrefix { Blocks = blocks, Marks = marks, Length = length },
            OutputTokensMax = _rng.NextInt32(500),
            Key = name % 3,
            Session = name,
            Class = (RequestClass)_rng.NextInt32(6),
            ContextCompacted = _rng.NextInt32(9) == 0,
            AnswersWhole = _rng.NextInt32(3) == 0,
            Slo = _rng.NextInt32(2) == 0 ? new Slo(_rng.NextDouble() * 2, _rng.NextInt32(2) * 0.1) : default,
            Tried = tried,
        };
        Decisions++;
        if (_router.Route(in request, out var ticket).Found)
        {
            _open.Add((ticket, blocks, marks, length));
            PassingOver += _router.Candidates.ToArray().Any(IsBehind) ? 1 : 0;
        }
    }

    private void End()
    {
        var at = _rng.NextInt32(_open.Count);
        var (ticket, blocks, marks, length) = _open[at];
        if (_rng.NextInt32(10) != 0)
        {
            _open.RemoveAt(at);
        }

        var prompt = new PromptPrefix { Blocks = blocks, Marks = marks, Length = length };
        _router.Tell(
            PoolEvent.Ended(
                Now, ticket, (RouteEnd)_rng.NextInt32(3), length / 4, _rng.NextInt32(1 + ((int)length / 4)), 40),
            in prompt);
    }

    private static bool IsBehind(Candidate candidate) =>
        candidate.Ineligible == Ineligible.No && candidate.Cost >= Rank.Behind;

    private static ulong[] Chain(ulong name, int blocks)
    {
        var rng = new Rng(name);
        return [.. Enumerable.Range(0, blocks).Select(_ => rng.NextUInt64())];
    }
}

/// <summary>Logs in memory, with as much room as a test wants.</summary>
internal sealed class MemoryLogs : ILogSink
{
    private readonly List<MemoryStream> _logs = [];

    public long Room { get; set; } = long.MaxValue;

    public long LogBytesMax { get; set; } = long.MaxValue;

    /// <summary>A state that is larger may not begin a log.</summary>
    public long StateBytesMax { get; set; } = long.MaxValue;

    /// <summary>The log at hand could not be written.</summary>
    public bool IsLost { get; set; }

    /// <summary>Sizes of the states that were asked about.</summary>
    public HashSet<long> AskedFor { get; } = [];

    public IReadOnlyList<byte[]> All => [.. _logs.Select(l => l.ToArray())];

    public int Ended { get; private set; }

    public int GivenUp { get; private set; }

    public bool CanBegin(long stateBytes)
    {
        AskedFor.Add(stateBytes);
        return stateBytes <= Math.Min(Room, StateBytesMax);
    }

    public bool CanTake(long bytes) => !IsLost && bytes <= Room;

    public void Begin(ReadOnlySpan<byte> header, LogState? state)
    {
        IsLost = false;
        _logs.Add(new MemoryStream());
        Append(header);
        foreach (var piece in state?.Pieces ?? [])
        {
            Append(piece.Span);
        }

        state?.Release();
    }

    public void Append(ReadOnlySpan<byte> payload)
    {
        var head = new byte[LogChunk.HeadBytes];
        LogChunk.WriteHead(payload, head);
        _logs[^1].Write(head);
        _logs[^1].Write(payload);
    }

    public void GiveUp() => GivenUp++;

    public void End() => Ended++;
}
