using System.Runtime.InteropServices;
using Penstock.Bench.Processes;
using Penstock.Bench.Report;
using Penstock.Bench.Sections;

namespace Penstock.Bench;

/// <summary>One whole run: start, measure, print, end everything that was started.</summary>
internal static class Driver
{
    /// <summary>Exit code: 0 measured, 1 something failed, 130 interrupted.</summary>
    public static int Run(string root, string[] arguments, Options options)
    {
        var folder = Directory.CreateTempSubdirectory("penstock-bench-").FullName;
        var command = options.GatewayCommand
            ?? $"'{root}/penstock' serve --port {{port}} --admin-port {{admin}} --data {{data}} --engine {{engine}}";
        using var lab = new Lab(folder, root, command);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => Leave(lab, folder));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Leave(lab, folder));
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, _ => Leave(lab, folder));
        var session = new Session(lab, options, Path.Combine(root, "eng/bench/wrk.lua"));
        var meter = new NoiseMeter();
        try
        {
            Measure(session);
            MeasureFleet(session);
        }
        catch (Exception) when (lab.Ended)
        {
            lab.Settle(Timeout.InfiniteTimeSpan);
        }
        catch (BenchFailure failure)
        {
            Console.Error.WriteLine($"failed: {failure.Message}\nlogs: {folder}");
            return 1;
        }

        lab.Dispose();
        var noise = meter.Read();
        Directory.Delete(folder, recursive: true);
        var machine = Machine.Describe(root, string.Join(' ', ["eng/bench/run", .. arguments]));
        if (options.Json)
            Print.Document(Console.Out, machine, options, noise, session.Figures);
        else
            Print.Table(Console.Out, machine, options, noise, session.Figures);
        return 0;
    }

    private static void Measure(Session session)
    {
        var sections = session.Options.Sections;
        if (sections.Contains("request") || sections.Contains("long-prompt") || sections.Contains("half-load"))
        {
            var upstream = session.Lab.StartConstantUpstream();
            var gateways = session.StartGateways(upstream);
            if (sections.Contains("request"))
                RequestSection.Run(session, gateways);
            if (sections.Contains("long-prompt"))
                RequestSection.RunLongPrompt(session, gateways);
            if (sections.Contains("half-load"))
                LatencySection.RunHalfLoad(session, upstream, gateways);
            session.Stop([.. gateways, upstream]);
        }

        if (sections.Contains("event") || sections.Contains("first-token") || sections.Contains("idle"))
        {
            var upstream = session.Lab.StartPacedUpstream();
            var gateways = session.StartGateways(upstream);
            if (sections.Contains("event"))
                EventSection.Run(session, upstream, gateways);
            if (sections.Contains("first-token"))
                LatencySection.RunFirstToken(session, upstream, gateways);
            session.Stop(gateways);
            if (sections.Contains("idle"))
                IdleSection.Run(session, upstream);
        }
    }

    private static void MeasureFleet(Session session)
    {
        if (session.Options.Sections.Contains("idle-replicas") && session.Options.Gateways.Contains(Target.Penstock))
            IdleReplicasSection.Run(session);
    }

    private static void Leave(Lab lab, string folder)
    {
        lab.Dispose();
        Directory.Delete(folder, recursive: true);
        Environment.Exit(130);
    }
}
