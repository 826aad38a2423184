using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// A pool's state, its policy and its random numbers: what decides where a request goes. The gateway, the simulator and
/// a replay drive the same one.
/// </summary>
/// <remarks>Not thread-safe: one owner calls it under one lock, which gives the order that a replay needs.</remarks>
public sealed class PoolRouter(PoolState state, RoutePolicy policy, ulong seed)
{
    private readonly Candidate[] _candidates = new Candidate[state.Replicas.Length];
    private Rng _rng = new(seed);

    public PoolState State { get; } = state;

    public RoutePolicy Policy { get; } = policy;

    /// <summary>Sees every decision and event in order; null where nobody looks.</summary>
    public IPoolRecorder? Recorder { get; set; }

    /// <summary>The candidates of the last decision, with the terms of their costs. Good until the next.</summary>
    public ReadOnlySpan<Candidate> Candidates => _candidates;

    /// <summary>Chooses a replica and takes the request's place there, in one step. The ticket must be ended, once.
    /// </summary>
    public RouteDecision Route(in RouteRequest request, out RouteTicket ticket)
    {
        var decision = State.Decide(in request, Policy, _candidates, ref _rng);
        Recorder?.Decided(in request, in decision, _candidates);
        ticket = default;
        if (decision.Found)
        {
            var dispatched = PoolEvent.Dispatched(in request, in decision);
            ticket = State.Apply(in dispatched, request.Prompt);
            Policy.Happened(in dispatched, request.Prompt, State);
            Recorder?.Dispatched(ticket);
        }

        return decision;
    }

    /// <summary>Takes note of what happened. A dispatch is not told here: <see cref="Route"/> does it.</summary>
    public void Tell(in PoolEvent happened, in PromptPrefix prompt = default)
    {
        Check.That(happened.Kind != PoolEventKind.Dispatched);
        Recorder?.Happened(in happened, in prompt);
        State.Apply(in happened, in prompt);
        Policy.Happened(in happened, in prompt, State);
    }

    /// <summary>Writes everything that the next decision depends on.</summary>
    public void Save(StateWriter to)
    {
        to.Write(in _rng);
        State.Save(to);
        Policy.Save(to);
    }

    /// <summary>Reads what <see cref="Save"/> wrote, into a router of the same replicas, options and policy.</summary>
    public void Load(ref StateReader from)
    {
        _rng = from.Read<Rng>();
        State.Load(ref from);
        Policy.Load(ref from);
    }
}

/// <summary>Writes down what a pool decided and what happened to it, in order.</summary>
public interface IPoolRecorder
{
    /// <summary>A decision was made, over these candidates.</summary>
    void Decided(in RouteRequest request, in RouteDecision decision, ReadOnlySpan<Candidate> candidates);

    /// <summary>The decision found a replica, and the request has its place there under this ticket.</summary>
    void Dispatched(RouteTicket ticket);

    /// <summary>Something else happens. Called before the state knows of it.</summary>
    void Happened(in PoolEvent happened, in PromptPrefix prompt);
}
