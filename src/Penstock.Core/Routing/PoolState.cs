using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// Everything that routing in one pool depends on: per replica the requests and tokens in flight, the rates that
/// answers showed, what the engine and other nodes reported, and the prefixes it is believed to hold.
/// </summary>
/// <remarks>
/// Two verbs: <see cref="Decide"/> reads, but for what becomes of requests as time goes on (<see cref="TakeDue"/>),
/// <see cref="Apply"/> writes. Neither allocates after warm-up, waits, or looks at a clock. Not thread-safe;
/// <see cref="PoolRouter"/> owns it.
/// </remarks>
public sealed class PoolState
{
    /// <summary>Requests in flight in one pool at most; beyond that nothing more is dispatched.</summary>
    public const int InFlightMax = 65_536;

    private readonly ReplicaLoad[] _replicas;
    private readonly PrefixMatch[] _matches;
    private readonly PrefixIndex _index;
    private readonly OutputLengths _outputs = new();
    private readonly PeerLoads _peers;
    private readonly TicketTable _tickets = new(InFlightMax);
    private readonly UntoldFirstTokens _untold;
    private PoolRates _rates;

    /// <summary>Every replica starts as not healthy.</summary>
    public PoolState(PoolOptions options)
    {
        _replicas = new ReplicaLoad[options.Replicas];
        Array.Fill(_replicas, ReplicaLoad.New);
        _matches = new PrefixMatch[options.Replicas];
        _index = new PrefixIndex(options.Replicas, options.BlocksPerReplica, options.Keying);
        _peers = new PeerLoads(options.Replicas);
        _untold = new UntoldFirstTokens(_tickets);
    }

    /// <summary>What is known of each replica, by slot.</summary>
    public ReadOnlySpan<ReplicaLoad> Replicas => _replicas;

    /// <summary>What the replicas are believed to hold. To be read only.</summary>
    public PrefixIndex Index => _index;

    /// <summary>Where the sessions that clients name were last served. To be read only.</summary>
    public SessionTable Sessions { get; } = new();

    /// <summary>How long a token of an answer takes in this pool.</summary>
    internal DecodeLine Decoding => DecodeRates.Line(in _rates.Decodes);

    /// <summary>All that the decision at hand can choose from.</summary>
    internal FleetSums Sums { get; private set; }

    /// <summary>Requests of this node in flight in the whole pool.</summary>
    public int InFlight => _tickets.Count;

    /// <summary>
    /// Chooses a replica. The candidates, with the terms of their costs, are left in <paramref name="candidates"/>,
    /// which must have room for every slot of the pool.
    /// </summary>
    public RouteDecision Decide(
        in RouteRequest request, RoutePolicy policy, Span<Candidate> candidates, ref Rng rng)
    {
        while (TakeDue(request.At) >= 0)
        {
        }

        candidates = candidates[.._replicas.Length];
        var output = _outputs.Expected(request.Key, request.Class, request.OutputTokensMax);
        var prompt = _index.Match(request.Prompt, _matches, request.Key);
        Sums = CandidateView.Fill(candidates, _replicas, _matches, _peers, prompt, in request);

        if (!_tickets.IsFull)
        {
            policy.Score(in request, this, candidates, ref rng);
        }

        return LeastCost.Choose(candidates, prompt, output, ref rng);
    }

    /// <summary>
    /// Takes the first token of one request whose answer comes in one piece to have come, where it was due by now, and
    /// returns where that request is; −1 where no more are due. <see cref="Decide"/> does it first of all.
    /// </summary>
    public int TakeDue(Instant now)
    {
        if (!_untold.TryTake(now, out var ticket))
        {
            return -1;
        }

        ref var request = ref _tickets.Find(ticket, out _);
        ref var load = ref _replicas[request.Replica];
        LoadRates.FirstTokenAssumed(ref load, request.DueMicroseconds);
        request.Beside = Beside(request.Replica, now);
        request.BeginDecode(ref load);
        return request.Replica;
    }

    /// <summary>Where the request of a ticket is; −1 where it has ended.</summary>
    public int ReplicaOf(RouteTicket ticket)
    {
        ref readonly var request = ref _tickets.Find(ticket, out var open);
        return open ? request.Replica : -1;
    }

    /// <summary>Expected tokens of the answer to a request.</summary>
    public long ExpectedOutput(in RouteRequest request) =>
        _outputs.Expected(request.Key, request.Class, request.OutputTokensMax);

    /// <summary>Takes note of one event, with the prompt or the blocks that go with it. Only
    /// <see cref="PoolEventKind.Dispatched"/> returns a ticket that means anything.</summary>
    public RouteTicket Apply(in PoolEvent happened, in PromptPrefix prompt = default)
    {
        Check.That((uint)happened.Replica < (uint)_replicas.Length);
        ref var load = ref _replicas[happened.Replica];
        switch (happened.Kind)
        {
            case PoolEventKind.Dispatched:
                return Dispatch(in happened, in prompt);
            case PoolEventKind.FirstToken:
                FirstToken(in happened);
                break;
            case PoolEventKind.Ended:
                EndRequest(in happened, in prompt);
                break;
            case PoolEventKind.Eligibility:
                load.Ineligible = happened.Ineligible;
                load.InFlightMax = happened.InFlightMax;
                break;
            case PoolEventKind.LoadReported:
                load.Reported = happened.Load;
                load.ReportedAt = happened.At;
                load.DispatchedSince = 0;
                break;
            case PoolEventKind.PeerLoad:
                _peers.Set(in happened, ref load);
                break;
            case PoolEventKind.PeerHeard:
                _peers.Hear(happened.Node, happened.At);
                break;
            case PoolEventKind.PeerGone:
                _peers.Remove(happened.Node);
                break;
            default:
                CacheNews.Apply(in happened, in prompt, ref load, _index, _peers, Sessions);
                break;
        }

        return default;
    }

    /// <summary>Writes everything that the next decision depends on, except the policy's own state.</summary>
    public void Save(StateWriter to)
    {
        to.WriteAll<ReplicaLoad>(_replicas);
        _index.Save(to);
        _outputs.Save(to);
        _peers.Save(to);
        Sessions.Save(to);
        _tickets.Save(to);
        _untold.Save(to);
        to.Write(in _rates);
    }

    /// <summary>Reads what <see cref="Save"/> wrote, into a state with the same options.</summary>
    public void Load(ref StateReader from)
    {
        from.ReadAll<ReplicaLoad>(_replicas);
        _index.Load(ref from);
        _outputs.Load(ref from);
        _peers.Load(ref from);
        Sessions.Load(ref from);
        _tickets.Load(ref from);
        _untold.Load(ref from);
        _rates = from.Read<PoolRates>();
        _rates.Bound(_replicas.Length);
    }

    private PeerShare PeersAt(int replica, Instant now) => _peers.IsEmpty
        ? default
        : _peers.Sum(replica, now, LoadRates.SentRate(in _replicas[replica], now), out _);

    private RouteTicket Dispatch(in PoolEvent happened, in PromptPrefix prompt)
    {
        var decision = happened.Decision;
        Check.That(decision.Found && decision.MatchedTokens <= decision.PromptTokens && !_tickets.IsFull);
        ref var load = ref _replicas[decision.Replica];
        var ahead = LoadRates.Ahead(in load, PeersAt(decision.Replica, happened.At), happened.At);
        load.InFlight++;
        load.PrefillPromptTokens += decision.PromptTokens;
        var due = LoadRates.Due(in load, in _rates.Prefills, ahead + decision.UncachedTokens, happened.At);
        load.DueMicroseconds += happened.AnswersWhole ? 0 : due;
        load.Awaited += happened.AnswersWhole ? 0 : 1;
        LoadRates.Sent(ref load, decision.UncachedTokens, happened.At);
        Sessions.Sent(happened.Session, happened.Class, decision.Replica, happened.At);
        var claim = _index.Dispatched(in prompt, decision.Replica, happened.At, happened.Key);
        var ticket = _tickets.Open(new TicketTable.InFlight
        {
            Replica = decision.Replica,
            Key = happened.Key,
            Class = happened.Class,
            PrefillTokens = decision.UncachedTokens,
            PrefillAtDispatch = load.PrefillTokens,
            AheadTokens = ahead,
            DueMicroseconds = due,
            AheadRequests = load.Prefilling - 1,
            PromptTokens = decision.PromptTokens,
            MatchedTokens = decision.MatchedTokens,
            PredictedTokens = decision.PredictedTokens,
            OutputTokens = decision.OutputTokens,
            DispatchedAt = happened.At,
            IsWhole = happened.AnswersWhole,
            Claim = claim,
        });
        if (happened.AnswersWhole)
        {
            _untold.Add(ticket, due);
        }

        return ticket;
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
        request.Beside = Beside(request.Replica, happened.At);
        LoadRates.FirstToken(ref load, happened.At);
        _untold.Remove(ref request);
        request.BeginDecode(ref load);
    }

    private void EndRequest(in PoolEvent happened, in PromptPrefix prompt)
    {
        ref var request = ref _tickets.Find(happened.Ticket, out var open);
        if (!open)
        {
            return;
        }

        ref var load = ref _replicas[request.Replica];
        if (request is { IsWhole: true, FirstTokenSeen: false } && happened.End == RouteEnd.Completed)
        {
            LoadRates.WholeAnswer(ref load, request.IsDecoding, happened.At);
        }

        var beside = Beside(request.Replica, happened.At);
        _untold.Remove(ref request);
        request.LeavePrefill(ref load);
        load.DecodeTokens -= request.DecodeTokens;
        load.InFlight--;
        Check.That(load.InFlight >= 0 && load.DecodeTokens >= 0);
        var report = PlausibleReport.Of(happened.Report, in request);
        UntoldTokens.Came(ref load, request.PromptTokens + report.OutputTokens, happened.At);
        if (happened.End == RouteEnd.Completed)
        {
            var mean = request.IsDecoding ? (request.Beside + beside) / 2.0 : beside;
            Learn(in report, in request, mean, ref load, happened.At);
        }

        _index.Released(in prompt, request.Replica, in request.Claim, report, happened.At, request.Key);
        _tickets.Close(happened.Ticket);
    }

    /// <summary>Requests in flight at a replica beside one that is, at all nodes.</summary>
    private int Beside(int replica, Instant now) => _replicas[replica].InFlight + PeersAt(replica, now).InFlight - 1;

    private void Learn(
        in CacheReport report, in TicketTable.InFlight request, double beside, ref ReplicaLoad load, Instant now)
    {
        load.Measured++;
        if (report.OutputTokens > 0)
        {
            _outputs.Learn(request.Key, request.Class, PlausibleReport.Output(in report, in request));
        }

        var uncached = request.PromptTokens - request.MatchedTokens;
        if (report.CachedTokens >= 0 && report.PromptTokens > 0)
        {
            load.Compare(in request, _index, report.CachedTokens);
            uncached = report.PromptTokens - report.CachedTokens;
        }

        _rates.Answered(_replicas, in request, uncached, report.OutputTokens, beside, now);
        LoadRates.Answer(ref load, in request, report.OutputTokens, now);
    }
}
