using Penstock.Core.Primitives;

namespace Penstock.Simulator.Workloads;

/// <summary>
/// Recorded agent sessions in a closed loop: a fixed number at a time, each of which sends its next request some time
/// after the answer to the one before. The first ones start somewhere in their middle, so that old and young sessions
/// are mixed from the beginning.
/// </summary>
public sealed class SessionWorkload : Workload
{
    private readonly SessionTrace[] _traces;
    private readonly SessionOptions _options;
    private Rng _rng;
    private int _next;
    private ulong _played;

    public SessionWorkload(IEnumerable<SessionTrace> traces, SessionOptions options, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _rng = new Rng(seed);
        _traces = [.. traces.Where(IsPlayable)];
        Check.That(_traces.Length > 0);
        Shuffle();
    }

    public override void Start(IArrivals arrivals)
    {
        for (var i = 0; i < _options.Concurrent; i++)
        {
            var trace = Draw();
            var from = _rng.NextInt32(StepsOf(trace));
            var at = Instant.FromSeconds(_rng.NextDouble() * _options.StartSeconds);
            Play(trace, from, at, arrivals);
        }
    }

    public override void Ended(FleetRequest request, Instant at, IArrivals arrivals)
    {
        var player = ((SessionRequest)request).Player;
        player.At++;
        if (!player.IsOver)
        {
            GoOn(player, at, arrivals);
        }
        else if (player.Parent is not { } parent)
        {
            Play(Draw(), 0, at + Pause(1), arrivals);
        }
        else if (--parent.SubagentsLeft == 0)
        {
            Send(parent, parent.ThinksUntil > at ? parent.ThinksUntil : at, arrivals);
        }
    }

    private void GoOn(SessionPlayer player, Instant at, IArrivals arrivals)
    {
        var step = player.Next;
        player.ThinksUntil = at + Pause(step.ThinkSeconds);
        foreach (var start in step.Subagents.Where(s => IsPlayable(s.Session)))
        {
            player.SubagentsLeft++;
            var subagent = new SessionPlayer(
                start.Session, StepsOf(start.Session), player.Salt, player.Session, player)
            {
                AnswersWhole = player.AnswersWhole,
            };
            Send(subagent, at + Pause(start.AfterSeconds), arrivals);
        }

        if (player.SubagentsLeft == 0)
        {
            Send(player, player.ThinksUntil, arrivals);
        }
    }

    private void Play(SessionTrace trace, int from, Instant at, IArrivals arrivals)
    {
        var salt = Hash64.Combine(++_played, _rng.NextUInt64());
        var session = _options.NamesSessions ? salt | 1 : 0;
        var player = new SessionPlayer(trace, StepsOf(trace), salt, session, parent: null)
        {
            At = from,
            AnswersWhole = new Rng(salt).NextDouble() < _options.WholeShare,
        };
        Send(player, at, arrivals);
    }

    private static void Send(SessionPlayer player, Instant at, IArrivals arrivals) =>
        arrivals.Arrive(at, player.Request());

    private TimeSpan Pause(double seconds) =>
        TimeSpan.FromSeconds(Math.Clamp(seconds, 0, _options.ThinkSecondsMax));

    private bool IsPlayable(SessionTrace trace) => StepsOf(trace) > 0;

    private int StepsOf(SessionTrace trace)
    {
        var steps = Array.FindIndex(trace.Steps, s => s.PromptTokens > _options.PromptTokensMax);
        return steps < 0 ? trace.Steps.Length : steps;
    }

    private SessionTrace Draw()
    {
        if (_next == _traces.Length)
        {
            Shuffle();
            _next = 0;
        }

        return _traces[_next++];
    }

    private void Shuffle()
    {
        for (var i = _traces.Length - 1; i > 0; i--)
        {
            var j = _rng.NextInt32(i + 1);
            (_traces[i], _traces[j]) = (_traces[j], _traces[i]);
        }
    }
}
