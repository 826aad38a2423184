using System.Globalization;
using Penstock.Bench.Load;
using Penstock.Bench.Processes;
using Penstock.Bench.Report;

namespace Penstock.Bench.Sections;

/// <summary>
/// CPU per streamed event: a fixed number of clients, each one stream after the other, out of step. The stream's
/// share of its request (connect, head, settlement) is in the figure.
/// </summary>
internal static class EventSection
{
    public static void Run(Session session, Target upstream, IReadOnlyList<Target> gateways)
    {
        Measure(session, upstream, gateways, clients: 32, events: 100, gapMilliseconds: 5);
        Measure(session, upstream, gateways, clients: 1000, events: 40, gapMilliseconds: 50);
    }

    private static void Measure(
        Session session, Target upstream, IReadOnlyList<Target> gateways, int clients, int events, int gapMilliseconds)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{clients} streams of {events} x {gapMilliseconds} ms");
        Session.Say($"CPU per event, {name}");
        var cpu = session.Figures.Row($"event-cpu-{clients}", $"CPU per event, {name}", "us");
        var speed = session.Figures.Row($"event-rate-{clients}", "  events", "1/s");
        var median = session.Figures.Row($"event-first-p50-{clients}", "  first token p50", "ms");
        var tail = session.Figures.Row($"event-first-p99-{clients}", "  first token p99", "ms");
        var client = session.Figures.Row($"event-client-{clients}", "  load client's own CPU", "us", compared: false);
        var engine = session.Figures.Row($"event-upstream-{clients}", "  upstream's own CPU", "us", compared: false);

        // Direct, once: it shows what the tools themselves can do and cost.
        MeasureOne(upstream);
        session.Rounds(gateways, MeasureOne);

        void MeasureOne(Target target)
        {
            var streamSeconds = events * gapMilliseconds / 1000.0;
            var stagger = streamSeconds / 2;
            var plan = new LoadPlan(target.Port, target.Key)
            {
                Clients = clients,
                Events = events,
                GapMilliseconds = gapMilliseconds,
                StaggerSeconds = stagger,
                Seconds = stagger + session.Options.Seconds,
            };
            LoadResult result = null!;
            double upstreamSeconds = 0;
            var seconds = session.CpuWhile(target, () =>
                upstreamSeconds = session.CpuWhile(upstream, () => result = session.Load(target, plan)));
            if (target != upstream)
                session.Figures.Add(cpu, target.Name, seconds / result.Events * 1e6);
            session.Figures.Add(speed, target.Name, result.Events / result.Seconds);
            session.Figures.Add(median, target.Name, result.FirstByte.P50 / 1000);
            session.Figures.Add(tail, target.Name, result.FirstByte.P99 / 1000);
            session.Figures.Add(client, target.Name, result.ClientCpuSeconds / result.Events * 1e6);
            session.Figures.Add(engine, target.Name, upstreamSeconds / result.Events * 1e6);
        }
    }
}
