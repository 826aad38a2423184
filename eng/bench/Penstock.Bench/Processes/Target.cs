namespace Penstock.Bench.Processes;

/// <summary>Something that answers POST /v1/messages on a loopback port.</summary>
/// <param name="Name">direct, nginx, yarp or penstock.</param>
/// <param name="Process">Null for direct: that is the upstream itself.</param>
/// <param name="Key">What clients must send as x-api-key.</param>
internal sealed record Target(string Name, int Port, ChildProcess? Process, string Key)
{
    public const string Direct = "direct";
    public const string Nginx = "nginx";
    public const string Yarp = "yarp";
    public const string Penstock = "penstock";

    /// <summary>In the order of the table's columns.</summary>
    public static readonly string[] Gateways = [Nginx, Yarp, Penstock];

    public double CpuSeconds => Process is null ? 0 : ProcessTree.CpuSeconds(Process.Pid);

    public double ResidentMegabytes => Process is null ? 0 : ProcessTree.ResidentMegabytes(Process.Pid);
}
