namespace Penstock.Gateway.Ledger;

/// <summary>
/// Pairs admissions with their settlements as they are read, and collects what the ledger should be told. An
/// admission is not written to the ledger until it is settled, or until its segment has to go. As many entries as
/// requests are in flight; not thread-safe.
/// </summary>
internal sealed class OpenAttempts : IJournalReader
{
    private readonly Dictionary<AttemptKey, OpenAttempt> _open = [];
    private List<LedgerChange> _changes = [];

    public int Count => _open.Count;

    /// <summary>Changes that have not been taken.</summary>
    public int ChangeCount => _changes.Count;

    public void Admitted(JournalPosition at, in AdmissionRecord record) =>
        _open.TryAdd(record.Key, new OpenAttempt(at.Segment, record));

    public void Settled(JournalPosition at, in SettlementRecord record) =>
        _changes.Add(new(_open.Remove(record.Key, out var open) ? open.Admission : null, record));

    /// <summary>Has the ledger carry what is still open of the segments before <paramref name="segment"/>.</summary>
    public void CarryBefore(long segment)
    {
        foreach (var open in _open.Values)
        {
            if (open.Segment < segment && !open.Carried)
            {
                open.Carried = true;
                _changes.Add(new(open.Admission, null));
            }
        }
    }

    /// <summary>Settles everything that is open in the same way.</summary>
    public void SettleAll(Func<AdmissionRecord, SettlementRecord> settle)
    {
        foreach (var open in _open.Values)
        {
            _changes.Add(new(open.Admission, settle(open.Admission)));
        }

        _open.Clear();
    }

    /// <summary>The changes so far, which are then the caller's.</summary>
    public IReadOnlyList<LedgerChange> TakeChanges()
    {
        var taken = _changes;
        _changes = [];
        return taken;
    }

    private sealed class OpenAttempt(long segment, AdmissionRecord admission)
    {
        public long Segment { get; } = segment;

        public AdmissionRecord Admission { get; } = admission;

        public bool Carried { get; set; }
    }
}
