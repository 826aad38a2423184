namespace Penstock.Core.KvSync;

/// <summary>Which cache group of each rank counts: the first one of full attention. What a sliding window still holds
/// says nothing about a prefix.</summary>
internal sealed class CountedGroups
{
    private const int None = -1;

    private readonly int[] _groups = new int[KvBlockMap.RanksMax];

    public CountedGroups() => _groups.AsSpan().Fill(None);

    public bool Count(in KvEvent e, int rank)
    {
        if (e.Spec != KvSpecKind.Full)
        {
            return false;
        }

        if (e.Group >= 0 && _groups[rank] == None && e.Kind == KvEventKind.Stored)
        {
            _groups[rank] = e.Group;
        }

        // Copies in other tiers are told without their group by some.
        return e.Group < 0 || e.Group == _groups[rank];
    }

    public void Forget(int rank) => _groups[rank] = None;
}
