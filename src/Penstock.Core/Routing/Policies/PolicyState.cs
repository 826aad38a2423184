namespace Penstock.Core.Routing.Policies;

/// <summary>Bounds of what a policy reads back.</summary>
internal static class PolicyState
{
    private const int ReplicasMax = 65_536;

    /// <summary>A number of replicas that was read.</summary>
    /// <exception cref="InvalidDataException">No pool has so many.</exception>
    public static int Checked(int replicas) =>
        (uint)replicas <= ReplicasMax ? replicas : throw new InvalidDataException("no pool has so many replicas");
}
