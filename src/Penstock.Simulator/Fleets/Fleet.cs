using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Simulator.Replicas;
using Penstock.Simulator.Workloads;

namespace Penstock.Simulator.Fleets;

/// <summary>
/// Engines and the gateways before them in virtual time: the production router decides, the engine model serves. The
/// same options and workload give the same outcome.
/// </summary>
public sealed class Fleet : IArrivals
{
    private readonly FleetOptions _options;
    private readonly Workload _workload;
    private readonly EngineModel[] _engines;
    private readonly FleetGateway[] _gateways;
    private readonly Timeline _timeline = new();
    private readonly List<Flight> _flights = [];
    private readonly Instant _end;
    private Rng _rng;
    private Instant _now;
    private int _open;

    private Fleet(FleetOptions options, Workload workload)
    {
        _options = options;
        _workload = workload;
        _end = Instant.FromSeconds(options.Seconds);
        _rng = new Rng(options.Seed);
        _engines = [.. options.Replicas.Select(
            (profile, i) => new EngineModel(profile, Hash64.Combine(options.Seed, (ulong)i), reportsTokens: false))];
        _gateways = [.. Enumerable.Range(0, options.Gateways).Select(n => new FleetGateway(n, options, _engines))];
    }

    /// <summary>Plays the workload to its end.</summary>
    public static FleetOutcome Run(FleetOptions options, Workload workload)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(workload);
        var fleet = new Fleet(options, workload);
        fleet.Schedule();
        workload.Start(fleet);
        fleet.Play();
        return fleet.Outcome();
    }

    void IArrivals.Arrive(Instant at, FleetRequest request)
    {
        Check.That(at >= _now);
        if (at < _end)
        {
            _open++;
            _timeline.Add(at, () => Send(request));
        }
    }

    private void Schedule()
    {
        if (_options.LoadReportSeconds > 0)
        {
            _timeline.Add(Instant.FromSeconds(_options.LoadReportSeconds), Report);
        }

        if (_options.Gateways > 1 && _options.Peers.Talk)
        {
            _timeline.Add(Instant.FromSeconds(_options.Peers.Every), Talk);
        }

        if (_options.Peers.DiesAt < _options.Seconds)
        {
            _timeline.Add(Instant.FromSeconds(_options.Peers.DiesAt), Die);
        }
    }

    private void Play()
    {
        while (_open > 0)
        {
            var engine = NextEngine(out var at);
            if (_timeline.Next is { } next && (engine < 0 || next < at))
            {
                _now = next;
                _timeline.Take()();
                continue;
            }

            Check.That(engine >= 0);
            _now = at;
            Advance(engine);
        }

        Settle();
    }

    /// <summary>Lets the gateways hear of the ends of the last requests, and miss those that died.</summary>
    private void Settle()
    {
        var peers = _options.Peers;
        var end = _now + TimeSpan.FromSeconds(peers.Delay + peers.GoneAfter + (2 * peers.Every));
        for (; _timeline.Next is { } next && next <= end; _timeline.Take()())
        {
            _now = next;
        }

        _now = end;
    }

    private int NextEngine(out Instant at)
    {
        at = default;
        var first = -1;
        for (var i = 0; i < _engines.Length; i++)
        {
            if (_engines[i].NextStepEnd is { } end && (first < 0 || end < at))
            {
                first = i;
                at = end;
            }
        }

        return first;
    }

    private void Advance(int engine)
    {
        foreach (var happened in _engines[engine].Advance(_now))
        {
            var flight = _flights[(int)happened.RequestId];
            switch (happened.Kind)
            {
                case EngineEventKind.Scheduled:
                    flight.CachedTokens = happened.Tokens;
                    break;
                case EngineEventKind.FirstToken:
                    flight.FirstTokenAt = _now;
                    if (!flight.Request.AnswersWhole)
                    {
                        Hear(() => flight.Gateway.Router.Tell(PoolEvent.FirstToken(_now, flight.Ticket)));
                    }

                    break;
                case EngineEventKind.Finished:
                    Hear(() => Finish(flight));
                    break;
            }
        }
    }

    /// <summary>Lets the gateway, and the client behind it, know of what an engine sent.</summary>
    private void Hear(Action told)
    {
        if (_options.HearEvery == 0)
        {
            told();
            return;
        }

        var steps = Math.Floor(_now.Seconds / _options.HearEvery) + 1;
        _timeline.Add(Instant.FromSeconds(steps * _options.HearEvery), told);
    }

    private void Send(FleetRequest request)
    {
        var gateway = Draw();
        var decision = gateway.Route(request, _now, out var ticket);
        var flight = new Flight(_flights.Count, request, gateway, decision, ticket, _now);
        _flights.Add(flight);
        if (!decision.Found)
        {
            Close(flight, RouteEnd.Failed);
            return;
        }

        var asked = new EngineRequest(flight.Id, request.PromptTokens, request.OutputTokens, request.Chain);
        if (_engines[decision.Replica].Submit(in asked, _now) != SubmitVerdict.Accepted)
        {
            End(flight, RouteEnd.Failed);
        }
    }

    private FleetGateway Draw()
    {
        var alive = _gateways.Length - (_gateways[^1].IsDead ? 1 : 0);
        return _gateways[alive == 1 ? 0 : _rng.NextInt32(alive)];
    }

    /// <summary>The gateway may have died, and the request with it, before it could hear of the end.</summary>
    private void Finish(Flight flight)
    {
        if (flight.End is null)
        {
            End(flight, RouteEnd.Completed);
        }
    }

    private void End(Flight flight, RouteEnd end)
    {
        var request = flight.Request;
        var completed = end == RouteEnd.Completed;
        var ended = PoolEvent.Ended(
            _now, flight.Ticket, end, completed ? request.PromptTokens : 0, completed ? flight.CachedTokens : -1,
            completed ? request.OutputTokens : 0);
        flight.Gateway.End(request, flight.Decision.Replica, in ended);
        Close(flight, end);
    }

    private void Close(Flight flight, RouteEnd end)
    {
        Check.That(flight.End is null);
        flight.End = end;
        flight.EndedAt = _now;
        _open--;
        _workload.Ended(flight.Request, _now, this);
    }

    private void Report()
    {
        for (var i = 0; i < _engines.Length; i++)
        {
            var counters = _engines[i].Counters;
            var load = new EngineLoad(counters.Running, counters.Waiting, counters.KvUsage, 0);
            var (replica, at) = (i, _now);
            _timeline.Add(_now + TimeSpan.FromSeconds(_options.LoadReportDelay), () => TellLoad(replica, at, load));
        }

        _timeline.Add(_now + TimeSpan.FromSeconds(_options.LoadReportSeconds), Report);
    }

    private void TellLoad(int replica, Instant at, EngineLoad load)
    {
        foreach (var gateway in _gateways)
        {
            gateway.Router.Tell(PoolEvent.LoadReported(at, replica, in load));
        }
    }

    private void Talk()
    {
        foreach (var gateway in _gateways.Where(g => !g.IsDead))
        {
            var message = gateway.Speak(_now);
            _timeline.Add(_now + TimeSpan.FromSeconds(_options.Peers.Delay), () => Deliver(message));
            gateway.Miss(_now, _options.Peers.GoneAfter);
        }

        _timeline.Add(_now + TimeSpan.FromSeconds(_options.Peers.Every), Talk);
    }

    private void Deliver(PeerMessage message)
    {
        var isParted = _options.Peers.IsParted(_now);
        foreach (var gateway in _gateways)
        {
            var hears = !isParted || IsFirstHalf(gateway.Node) == IsFirstHalf(message.Node);
            if (hears && !gateway.IsDead && gateway.Node != message.Node)
            {
                gateway.Hear(message, _now);
            }
        }
    }

    private bool IsFirstHalf(int node) => node < (_gateways.Length + 1) / 2;

    private void Die()
    {
        var dead = _gateways[^1];
        dead.IsDead = true;
        foreach (var flight in _flights.Where(f => f.Gateway == dead && f.End is null).ToList())
        {
            _engines[flight.Decision.Replica].Cancel(flight.Id, _now);
            End(flight, RouteEnd.Failed);
        }
    }

    private FleetOutcome Outcome()
    {
        return new FleetOutcome
        {
            Requests = [.. _flights.Select(f => f.Result())],
            Measured = [.. _flights.Where(f => f.SentAt.Seconds >= _options.WarmupSeconds).Select(f => f.Result())],
            Engines = [.. _engines.Select(e => e.Counters)],
            Pools = [.. _gateways.Select(g => g.Router.State)],
            EndedAt = _now,
        };
    }
}
