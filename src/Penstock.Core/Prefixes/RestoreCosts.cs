namespace Penstock.Core.Prefixes;

/// <summary>
/// What it costs to bring a token of the cache back to the accelerator, by the tier that it lies in: as a share of the
/// seconds in which the replica computes one. Null: the default.
/// </summary>
/// <remarks>
/// The defaults are what the credits of NVIDIA Dynamo's KV router leave, which counts a block as 0.75 of one on the
/// device where it lies in the host's memory, 0.25 on disk and 0.5 in a shared store. Where links are fast for the
/// model, less is right.
/// </remarks>
public readonly record struct RestoreCosts(double? Host, double? Disk, double? Shared)
{
    private const double HostOtherwise = 0.25;
    private const double DiskOtherwise = 0.75;
    private const double SharedOtherwise = 0.5;

    /// <summary>What the part of a match costs that does not lie on the device, in tokens of prefill.</summary>
    public double Tokens(in PrefixMatch match) =>
        (match.Host * (Host ?? HostOtherwise)) + (match.Disk * (Disk ?? DiskOtherwise))
            + (match.Shared * (Shared ?? SharedOtherwise));
}
