using System.Globalization;
using Penstock.Bench.Load;
using Penstock.Bench.Processes;
using Penstock.Bench.Report;

namespace Penstock.Bench.Sections;

/// <summary>
/// Latency that a gateway adds, in open loop: requests leave at a fixed rate whatever the answers do, and latency counts
/// from when a request was due. "Added" is against the upstream asked directly in the same round.
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
            session.Figures.Add(
                new Metric($"{id}-rate", $"Half load, {body.Name}: offered", "1/s") { Compared = false }, Target.Direct, rate);
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
        foreach (var target in gateways)
            Session.Load(target, plan(target));
        var direct = new Latency(0, 0, 0);
        session.Rounds([upstream, .. gateways], target =>
        {
            var latency = pick(Session.Load(target, plan(target)));
            if (target == upstream)
                direct = latency;
            foreach (var (name, value, floor) in (ReadOnlySpan<(string, double, double)>)
                [("p50", latency.P50, direct.P50), ("p99", latency.P99, direct.P99)])
            {
                if (target != upstream)
                    session.Figures.Add(new Metric($"{id}-added-{name}", $"Added {what} {name}", "ms"), target.Name, (value - floor) / 1000);
                session.Figures.Add(new Metric($"{id}-{name}", $"  {what} {name}", "ms"), target.Name, value / 1000);
            }
        });
    }

    private static double MaxRate(Session session, Target target, Body body)
    {
        if (!session.MaxRates.TryGetValue((target.Name, body.Id), out var rate))
        {
            session.Wrk(target, body.File, session.Options.Seconds);
            rate = session.MaxRates[(target.Name, body.Id)] = session.Wrk(target, body.File, session.Options.Seconds).Rate;
        }

        return rate;
    }
}
