using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Penstock.Gateway.Observability;

/// <summary>
/// The process, under the names that Prometheus clients agree on
/// (prometheus.io/docs/instrumenting/writing_clientlibs, process metrics), and which build it is. Garbage collection
/// and threads come from the runtime's own meter, <c>System.Runtime</c>.
/// </summary>
internal static class ProcessMetrics
{
    /// <summary>The runtime's meter.</summary>
    public const string RuntimeMeter = "System.Runtime";

    /// <summary>The version of this build.</summary>
    public static string Version { get; } =
        typeof(ProcessMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion ?? "0";

    public static void Observe(Meter meter)
    {
        var started = StartedAt();
        meter.CreateObservableCounter(
            "process.cpu", static () => Cpu(), "s", "Processor time of the process, user and system.");
        meter.CreateObservableGauge(
            "process.resident_memory", static () => Environment.WorkingSet, "By", "Resident memory of the process.");
        meter.CreateObservableGauge("process.start_time", () => started, "s", "Start of the process, Unix time.");
        meter.CreateObservableGauge("process.threads", static () => Threads(), "{thread}", "Threads of the process.");
        KeyValuePair<string, object?>[] build =
        [
            new("version", Version), new("runtime", RuntimeInformation.FrameworkDescription),
        ];
        meter.CreateObservableGauge(
            "penstock.build.info", () => new Measurement<int>(1, build), null, "Which build this is.");
    }

    private static double Cpu()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime.TotalSeconds;
    }

    private static int Threads()
    {
        using var process = Process.GetCurrentProcess();
        return process.Threads.Count;
    }

    private static double StartedAt()
    {
        using var process = Process.GetCurrentProcess();
        return (process.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds;
    }
}
