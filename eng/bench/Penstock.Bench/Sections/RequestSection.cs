using Penstock.Bench.Processes;
using Penstock.Bench.Report;

namespace Penstock.Bench.Sections;

/// <summary>CPU per request at full speed: 32 connections in closed loop, a constant answer of 1.3 KB.</summary>
internal static class RequestSection
{
    /// <summary>By then the runtime has compiled what is hot for good.</summary>
    private const double FirstWarmUpSeconds = 3;
    private const double WarmUpSeconds = 1;

    public static void Run(Session session, IReadOnlyList<Target> gateways)
    {
        List<Body> bodies = [Body.Small(session.Lab), Body.Agent(session.Lab), Body.OneString(session.Lab)];
        if (session.Options.Large)
            bodies.Add(Body.Large(session.Lab));
        foreach (var body in bodies)
            Measure(session, gateways, body);

        var resident = session.Figures.Row("request-rss", "RSS after it", "MB");
        foreach (var target in gateways)
            session.Figures.Add(resident, target.Name, target.ResidentMegabytes);
    }

    /// <summary>What a request with a prompt of about 100,000 tokens costs whose beginning is known.</summary>
    public static void RunLongPrompt(Session session, IReadOnlyList<Target> gateways) =>
        Measure(session, gateways, Body.Conversation(session.Lab));

    private static void Measure(Session session, IReadOnlyList<Target> gateways, Body body)
    {
        Session.Say($"CPU per request, {body.Name}");
        var cpu = session.Figures.Row($"request-cpu-{body.Id}", $"CPU per request, {body.Name}", "us");
        var speed = session.Figures.Row($"request-rate-{body.Id}", $"  requests at c=32, {body.Name}", "1/s");
        foreach (var target in gateways)
            session.Wrk(target, body.File, session.MaxRates.Count == 0 ? FirstWarmUpSeconds : WarmUpSeconds);
        session.Rounds(gateways, target =>
        {
            var (requests, rate) = (0L, 0.0);
            var seconds = session.CpuWhile(target, () =>
                (requests, rate) = session.Wrk(target, body.File, session.Options.Seconds));
            session.Figures.Add(cpu, target.Name, seconds / requests * 1e6);
            session.Figures.Add(speed, target.Name, rate);
        });
        foreach (var target in gateways)
            session.MaxRates[(target.Name, body.Id)] = session.Figures.Find(speed, target.Name)!.Median;
    }
}
