using System.Diagnostics;
using Penstock.Bench.Processes;
using Penstock.Core.Primitives;
using Penstock.LiveBench.Report;
using Penstock.LiveBench.Sessions;

namespace Penstock.LiveBench.Play;

/// <summary>
/// The role of the clients: plays sessions for the length of one run and says what came of it. Which sessions, in which
/// order, where each begins and how long it pauses is drawn from the seed alone.
/// </summary>
internal sealed class PlayRun(PlayPlan plan)
{
    /// <summary>How long answers under way may take after the end, in virtual seconds.</summary>
    private const double Patience = 480;

    private readonly PlayRecord _record = new(plan.Settings.TimeScale);
    private readonly LiveSettings _settings = plan.Settings;

    public async Task<RunResult> RunAsync()
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        using var stop = new CancellationTokenSource();
        var begin = _settings.WarmUpMinutes * 60;
        var end = begin + (_settings.Minutes * 60);
        var playing = Play(http, end, stop.Token);
        var before = await MarkAsync(http, begin);
        var after = await MarkAsync(http, end);
        var (distinct, open) = (_record.DistinctBlocks, _record.OpenBlocks);

        // Requests of the measured part end in peace; what is sent meanwhile keeps the load as it was.
        var late = _record.Now + Patience;
        while (Unanswered(begin, end) > 0 && _record.Now < late)
        {
            await UntilAsync(_record.Now + 5);
        }

        if (playing.FirstOrDefault(line => line.IsFaulted) is { } broken)
        {
            await broken;
        }

        var unanswered = Unanswered(begin, end);
        await stop.CancelAsync();
        await Task.WhenAll(playing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var (samples, failed) = _record.Between(begin, end);
        var predictions = await Predictions.ReadAsync(http, plan.GatewayAdmin, plan.Key, samples);
        var context = new RunContext(failed, unanswered, distinct, open, _record.Failures, predictions);
        return RunResult.Of(plan, samples, before, after, context);
    }

    private int Unanswered(double from, double to)
    {
        var (samples, failed) = _record.Between(from, to);
        return _record.SentBetween(from, to) - samples.Count - failed;
    }

    private Task[] Play(HttpClient http, double end, CancellationToken stop)
    {
        var sessions = TraceFile.Read(plan.Trace, _settings.PromptTokensMax, _settings.PauseMax);
        if (sessions.Count < _settings.Sessions)
        {
            throw new BenchFailure($"the trace has {sessions.Count} sessions, not {_settings.Sessions}");
        }

        var rng = new Rng(Hash64.Combine(3, plan.Seed));
        for (var i = sessions.Count - 1; i > 0; i--)
        {
            var other = rng.NextInt32(i + 1);
            (sessions[i], sessions[other]) = (sessions[other], sessions[i]);
        }

        var player = new SessionPlayer(http, plan, _record);
        var tasks = new Task[_settings.Sessions];
        for (var line = 0; line < tasks.Length; line++)
        {
            var delay = rng.NextDouble() * _settings.WarmUpMinutes * 60 / 2;
            tasks[line] = PlayLineAsync(player, sessions, line, (delay, rng.NextDouble()), stop);
        }

        return tasks;
    }

    /// <summary>
    /// One of the sessions that are always under way: the first begins somewhere in its middle, as sessions that were
    /// found running would be; each next one at its beginning. The lines take turns in the shuffled list, so that what
    /// a line plays does not depend on how fast the others are.
    /// </summary>
    private async Task PlayLineAsync(
        SessionPlayer player, List<Session> sessions, int line, (double Delay, double Middle) first,
        CancellationToken stop)
    {
        await UntilAsync(first.Delay, stop);
        for (var at = line; ; at += _settings.Sessions)
        {
            var session = sessions[at % sessions.Count];
            var from = at == line ? (int)(first.Middle * session.Steps.Length) : 0;
            await player.PlayAsync(session, from, stop);
        }
    }

    private async Task<Mark> MarkAsync(HttpClient http, double at)
    {
        await UntilAsync(at);
        return new Mark(
            Stopwatch.GetTimestamp(),
            ProcessTree.CpuSeconds(plan.GatewayPid),
            ProcessTree.CpuSeconds(plan.EnginesPid),
            MachineTime.Read(),
            ProcessTree.CpuSeconds(Environment.ProcessId),
            await EngineTotals.ReadAsync(http, plan.Engines));
    }

    private async Task UntilAsync(double virtualSeconds, CancellationToken stop = default)
    {
        var wait = TimeSpan.FromSeconds(Math.Max(0, virtualSeconds - _record.Now) / _settings.TimeScale);
        await Task.Delay(wait, stop);
    }
}
