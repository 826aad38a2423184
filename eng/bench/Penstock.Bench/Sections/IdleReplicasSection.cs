using System.Globalization;
using Penstock.Bench.Processes;
using Penstock.Bench.Report;

namespace Penstock.Bench.Sections;

/// <summary>
/// What it costs to keep up with a fleet that has nothing to do: health probes and load of 100 engines whose metrics
/// page is as large as that of a busy vLLM, and as many subscriptions to cache events.
/// </summary>
internal static class IdleReplicasSection
{
    private const int Engines = 100;
    private const double SecondsMin = 10;

    /// <summary>By then the pace of questions has slowed, and the runtime has compiled what is hot for good.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(20);

    public static void Run(Session session)
    {
        Session.Say($"CPU before {Engines} idle replicas");
        var name = string.Create(CultureInfo.InvariantCulture, $"{Engines} idle replicas: share of a core");
        var cpu = session.Figures.Row("idle-replicas-cpu", name, "%", compared: false);
        var engines = session.Figures.Row("idle-replicas-upstream", "  the engines' own", "%", compared: false);
        var resident = session.Figures.Row("idle-replicas-rss", "  RSS", "MB", compared: false);
        var fleet = session.Lab.StartFleet(Engines);
        var publisher = session.Lab.StartPublisher();
        var target = session.Lab.StartPenstockBefore(fleet, publisher, Engines);
        session.Lab.Settle(WarmUp);
        if (TcpTable.Established(publisher.Port) is var subscribed && subscribed != Engines)
        {
            throw new BenchFailure($"{subscribed} subscriptions to cache events instead of {Engines}");
        }

        var length = TimeSpan.FromSeconds(Math.Max(SecondsMin, session.Options.Seconds));
        session.Rounds([target], _ =>
        {
            var (ours, theirs) = (target.CpuSeconds, fleet.CpuSeconds);
            session.Lab.Settle(length);
            session.Figures.Add(cpu, target.Name, (target.CpuSeconds - ours) / length.TotalSeconds * 100);
            session.Figures.Add(engines, target.Name, (fleet.CpuSeconds - theirs) / length.TotalSeconds * 100);
            session.Figures.Add(resident, target.Name, target.ResidentMegabytes);
        });
        session.Stop([target, publisher, fleet]);
    }
}
