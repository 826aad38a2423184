using Penstock.Bench.Load;
using Penstock.Bench.Processes;
using Penstock.Bench.Report;

namespace Penstock.Bench.Sections;

/// <summary>
/// Memory of a fresh process with no streams, and with 1,000 that have sent one event and are silent.
/// </summary>
internal static class IdleSection
{
    private const int Streams = 1000;
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(2);

    public static void Run(Session session, Target upstream)
    {
        var empty = session.Figures.Row("idle-rss-0", "RSS, fresh", "MB");
        var full = session.Figures.Row("idle-rss-1000", "RSS, 1,000 idle streams", "MB");
        var each = session.Figures.Row("idle-stream", "  each", "KB");
        foreach (var name in session.Options.Gateways)
        {
            Session.Say($"memory at {Streams} idle streams, {name}");
            var target = session.Lab.StartGateway(name, upstream);
            session.Lab.Settle(Rest);
            var before = target.ResidentMegabytes;
            using var idle = new IdleStreams();
            if (idle.Open(target.Port, target.Key, Streams) is { } failure)
                throw new BenchFailure($"{name}: {failure}");
            session.Lab.Settle(Rest);
            var after = target.ResidentMegabytes;
            if (idle.Lost() is var lost and > 0)
                throw new BenchFailure($"{name} closed {lost} idle streams");
            session.Figures.Add(empty, name, before);
            session.Figures.Add(full, name, after);
            session.Figures.Add(each, name, (after - before) * 1000 / Streams);
            session.Lab.Stop(target);
        }
    }
}
