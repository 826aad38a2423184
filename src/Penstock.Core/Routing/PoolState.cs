using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// Everything that routing in one pool depends on: per replica the requests and tokens in flight, the rates that
/// answers showed, what the engine reported, and the prefixes it is believed to hold.
/// </summary>
/// <remarks>
/// Two verbs: <see cref="Decide"/> reads, <see cref="Apply"/> writes. Neither allocates after warm-up, waits, or looks
/// at a clock. Not thread-safe: one owner calls it under one lock, which gives the order that a replay needs.
/// </remarks>
public sealed class PoolState
{
    /// <summary>Requests in flight in one pool at most; beyond that nothing more is dispatched.</summary>
    public const int InFlightMax = 65_536;

    /// <summary>Weight of the newest measurement in the learned rates.</summary>
    private const double Newest = 0.2;

    // An engine that answers before it computes, or buffers, shows rates that no accelerator has. One such answer must
    // not make it look like one for the next hundred.
    private const double PrefillRateMin = 10;
    private const double PrefillRateMax = 2_000_000;
    private const double SecondsPerTokenMin = 0.000_1;
    private const double SecondsPerTokenMax = 10;

    /// <summary>Prefills below this many tokens say more about the step than about the rate.</summary>
    private const long MeasurablePrefill = 256;

    private readonly ReplicaLoad[] _replicas;
    private readonly int[] _matched;
    private readonly PrefixIndex _index;
    private readonly TicketTable _tickets = new(InFlightMax);

    /// <param name="replicas">Replica slots; each starts as not healthy.</param>
    /// <param name="blocksPerReplica">Prefix blocks remembered of each replica at most.</param>
    public PoolState(int replicas, int blocksPerReplica)
    {
        _replicas = new ReplicaLoad[replicas];
        Array.Fill(_replicas, new ReplicaLoad
        {
            Ineligible = Ineligible.NotHealthy,
            KvUsage = double.NaN,
            PrefillRate = 8_000,
            SecondsPerToken = 0.02,
        });
        _matched = new int[replicas];
        _index = new PrefixIndex(replicas, blocksPerReplica);
    }

    /// <summary>What is known of each replica, by slot.</summary>
    public ReadOnlySpan<ReplicaLoad> Replicas => _replicas;

    /// <summary>Requests in flight in the whole pool.</summary>
    public int InFlight => _tickets.Count;

    /// <summary>Bytes of canonical prompt per token, learned from what engines report.</summary>
    public double BytesPerToken { get; private set; } = 4;

    /// <summary>Prefix blocks remembered of one replica.</summary>
    public int RememberedBlocks(int replica) => _index.CountOf(replica);

    /// <summary>
    /// Chooses a replica. The candidates, with the terms of their costs, are left in <paramref name="candidates"/>,
    /// which must have room for every slot of the pool.
    /// </summary>
    public RouteDecision Decide(
        in RouteRequest request, RoutePolicy policy, Span<Candidate> candidates, ref Rng rng)
    {
        candidates = candidates[.._replicas.Length];
        var promptTokens = Math.Max(1, (long)(request.PromptBytes / BytesPerToken));
        var tokensPerBlock = PrefixChainBuilder.BlockBytes / BytesPerToken;
        _index.Match(request.Chain, _matched);
        for (var i = 0; i < candidates.Length; i++)
        {
            ref readonly var load = ref _replicas[i];
            var matched = Math.Min(promptTokens - 1, (long)(_matched[i] * tokensPerBlock));
            candidates[i] = new Candidate
            {
                Replica = i,
                Ineligible = WhyNot(in load, i, request.Tried),
                InFlight = load.InFlight,
                MatchedTokens = matched,
                UncachedTokens = promptTokens - matched,
                PrefillTokens = load.PrefillTokens,
                DecodeTokens = load.DecodeTokens,
                Cost = double.PositiveInfinity,
            };
        }

        if (!_tickets.IsFull)
        {
            policy.Score(in request, this, candidates, ref rng);
        }

        return Choose(candidates, promptTokens, ref rng);
    }

    /// <summary>Takes note of one event. Only <see cref="PoolEventKind.Dispatched"/> returns a ticket that means
    /// anything; <paramref name="chain"/> is that request's chain.</summary>
    public RouteTicket Apply(in PoolEvent happened, ReadOnlySpan<ulong> chain = default)
    {
        switch (happened.Kind)
        {
            case PoolEventKind.Dispatched:
                return Dispatch(in happened, chain);
            case PoolEventKind.FirstToken:
                FirstToken(in happened);
                break;
            case PoolEventKind.Ended:
                EndRequest(in happened);
                break;
            case PoolEventKind.Eligibility:
                _replicas[happened.Replica].Ineligible = happened.Ineligible;
                _replicas[happened.Replica].InFlightMax = happened.InFlightMax;
                break;
            case PoolEventKind.LoadReported:
                Report(in happened);
                break;
            case PoolEventKind.CacheLost:
                _index.Clear(happened.Replica);
                break;
        }

        return default;
    }

    private static Ineligible WhyNot(in ReplicaLoad load, int replica, ReadOnlySpan<int> tried) =>
        load.Ineligible != Ineligible.No ? load.Ineligible
        : tried.Contains(replica) ? Ineligible.TriedBefore
        : load.InFlight >= load.InFlightMax ? Ineligible.AtLimit
        : Ineligible.No;

    private static RouteDecision Choose(ReadOnlySpan<Candidate> candidates, long promptTokens, ref Rng rng)
    {
        var best = -1;
        var second = -1;
        var ties = 1;
        for (var i = 0; i < candidates.Length; i++)
        {
            if (candidates[i].Ineligible != Ineligible.No || double.IsPositiveInfinity(candidates[i].Cost))
            {
                continue;
            }

            if (best < 0 || candidates[i].Cost < candidates[best].Cost)
            {
                second = best;
                best = i;
                ties = 1;
            }
            else if (candidates[i].Cost == candidates[best].Cost && rng.NextInt32(++ties) == 0)
            {
                second = best;
                best = i;
            }
            else if (second < 0 || candidates[i].Cost < candidates[second].Cost)
            {
                second = i;
            }
        }

        return new RouteDecision(
            best, second, promptTokens, best < 0 ? 0 : candidates[best].MatchedTokens, candidates.Length);
    }

    private RouteTicket Dispatch(in PoolEvent happened, ReadOnlySpan<ulong> chain)
    {
        var decision = happened.Decision;
        Check.That(decision.Found && decision.MatchedTokens <= decision.PromptTokens && !_tickets.IsFull);
        ref var load = ref _replicas[decision.Replica];
        load.InFlight++;
        load.Prefilling++;
        load.PrefillTokens += decision.UncachedTokens;
        _index.Insert(chain, decision.Replica);
        return _tickets.Open(new TicketTable.InFlight
        {
            Replica = decision.Replica,
            PrefillTokens = decision.UncachedTokens,
            PrefillAtDispatch = load.PrefillTokens,
            PromptBytes = happened.PromptBytes,
            PromptTokens = decision.PromptTokens,
            DispatchedAt = happened.At,
        });
    }

    private void FirstToken(in PoolEvent happened)
    {
        ref var request = ref _tickets.Find(happened.Ticket, out var open);
        if (!open || request.FirstTokenSeen)
        {
            return;
        }

        ref var load = ref _replicas[request.Replica];
        request.FirstTokenSeen = true;
        request.FirstTokenAt = happened.At;
        var seconds = (happened.At - request.DispatchedAt).TotalSeconds;
        if (request.PrefillAtDispatch >= MeasurablePrefill && seconds > 0)
        {
            var rate = Math.Clamp(request.PrefillAtDispatch / seconds, PrefillRateMin, PrefillRateMax);
            load.PrefillRate += Newest * (rate - load.PrefillRate);
        }

        ReleasePrefill(ref load, ref request);
        request.DecodeTokens = request.PromptTokens;
        load.DecodeTokens += request.DecodeTokens;
    }

    private void EndRequest(in PoolEvent happened)
    {
        ref var request = ref _tickets.Find(happened.Ticket, out var open);
        if (!open)
        {
            return;
        }

        ref var load = ref _replicas[request.Replica];
        if (!request.FirstTokenSeen)
        {
            ReleasePrefill(ref load, ref request);
        }

        load.DecodeTokens -= request.DecodeTokens;
        load.InFlight--;
        Check.That(load.InFlight >= 0 && load.DecodeTokens >= 0);
        if (happened.End == RouteEnd.Completed)
        {
            Learn(in happened, in request, ref load);
        }

        _tickets.Close(happened.Ticket);
    }

    private static void ReleasePrefill(ref ReplicaLoad load, ref TicketTable.InFlight request)
    {
        load.PrefillTokens -= request.PrefillTokens;
        load.Prefilling--;
        request.PrefillTokens = 0;
        Check.That(load.PrefillTokens >= 0 && load.Prefilling >= 0);
    }

    private void Learn(in PoolEvent happened, in TicketTable.InFlight request, ref ReplicaLoad load)
    {
        load.Measured++;
        if (happened.PromptTokens >= 64 && request.PromptBytes > 0)
        {
            var ratio = Math.Clamp(request.PromptBytes / (double)happened.PromptTokens, 0.5, 16);
            BytesPerToken += 0.05 * (ratio - BytesPerToken);
        }

        // An answer that came in one piece took its prefill first, at the rate that streams have shown.
        var seconds = request.FirstTokenSeen
            ? (happened.At - request.FirstTokenAt).TotalSeconds
            : (happened.At - request.DispatchedAt).TotalSeconds - (request.PrefillAtDispatch / load.PrefillRate);
        if (happened.OutputTokens >= 8 && seconds > 0)
        {
            var each = Math.Clamp(seconds / (happened.OutputTokens - 1), SecondsPerTokenMin, SecondsPerTokenMax);
            load.SecondsPerToken += Newest * (each - load.SecondsPerToken);
        }
    }

    private void Report(in PoolEvent happened)
    {
        ref var load = ref _replicas[happened.Replica];
        load.ReportedRunning = happened.Running;
        load.ReportedWaiting = happened.Waiting;
        load.KvUsage = happened.KvUsage;
        load.Slots = happened.Slots;
    }
}
