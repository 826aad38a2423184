using System.Globalization;
using Penstock.Bench.Load;
using Penstock.Bench.Processes;
using Penstock.Bench.Report;

namespace Penstock.Bench.Sections;

/// <summary>
/// Latency that a gateway adds, in open loop: requests leave at a fixed rate whatever the answers do, and latency
/// counts from when a request was due. "Added" is against the upstream asked directly in the same round.
/// </summary>
internal static class LatencySection
{
    private const double StreamsPerSecond = 200;

    /// <summary>Added time to first token at light load: 200 short streams a second.</summary>
    public static void RunFirstToken(Session session, Target upstream, IReadOnlyList<Target> gateways)
    {
        Session.Say("time to first token");
        Measure(session, upstream, gateways, "first-token", "first token", result => result.FirstByte, target =>
            new LoadPlan(target.Port, target.Key)
            {
                Rate = StreamsPerSecond,
                Events = 6,
                GapMilliseconds = 5,
                Seconds = session.Options.Seconds,
            });
    }

    /// <summary>Added latency of a whole answer at half of what the slowest of the gateways can do.</summary>
    public static void RunHalfLoad(Session session, Target upstream, IReadOnlyList<Target> gateways)
    {
        foreach (var body in (Body[])[Body.Small(session.Lab), Body.Agent(session.Lab)])
        {
            var rate = Math.Floor(gateways.Min(target => MaxRate(session, target, body)) / 2);
            Session.Say($"latency at half load, {body.Name}, {rate} requests/s");
            var id = $"half-load-{body.Id}";
            var offered = session.Figures.Row($"{id}-rate", $"Half load, {body.Name}: offered", "1/s", compared: false);
            session.Figures.Add(offered, Target.Direct, rate);
            Measure(session, upstream, gateways, id, "latency", result => result.Total, target =>
                new LoadPlan(target.Port, target.Key)
                {
                    Rate = rate,
                    BodyFile = body.File,
                    Seconds = session.Options.Seconds,
                });
        }
    }

    private static void Measure(
        Session session,
        Target upstream,
        IReadOnlyList<Target> gateways,
        string id,
        string what,
        Func<LoadResult, Latency> pick,
        Func<Target, LoadPlan> plan)
    {
        var addedMedian = session.Figures.Row($"{id}-added-p50", $"Added {what} p50", "ms");
        var addedTail = session.Figures.Row($"{id}-added-p99", $"Added {what} p99", "ms");
        var median = session.Figures.Row($"{id}-p50", $"  {what} p50", "ms");
        var tail = session.Figures.Row($"{id}-p99", $"  {what} p99", "ms");
        var direct = new Latency(0, 0, 0);
        session.Rounds([upstream, .. gateways], target =>
        {
            var latency = pick(session.Load(target, plan(target)));
            session.Figures.Add(median, target.Name, latency.P50 / 1000);
            session.Figures.Add(tail, target.Name, latency.P99 / 1000);
            if (target == upstream)
            {
                direct = latency;
                return;
            }

            session.Figures.Add(addedMedian, target.Name, (latency.P50 - direct.P50) / 1000);
            session.Figures.Add(addedTail, target.Name, (latency.P99 - direct.P99) / 1000);
        });
    }

    private static double MaxRate(Session session, Target target, Body body)
    {
        if (!session.MaxRates.TryGetValue((target.Name, body.Id), out var rate))
        {
            session.Wrk(target, body.File, session.Options.Seconds);
            rate = session.Wrk(target, body.File, session.Options.Seconds).Rate;
            session.MaxRates[(target.Name, body.Id)] = rate;
        }

        return rate;
    }
}
