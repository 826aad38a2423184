namespace Penstock.Engines.KvEvents;

/// <summary>
/// The publishers connected to a bound endpoint. Places are few, and anybody may connect: where all are taken, one that
/// was cut off and only has to wait goes first, then one that has not shaken hands, then one that never said anything
/// of use, the oldest of them. One that did keeps its place for as long as it is connected. Owned by the loop that
/// accepts.
/// </summary>
internal sealed class KvGuests(int max)
{
    private readonly List<KvGuest> _guests = [];

    public bool IsFull
    {
        get
        {
            _guests.RemoveAll(static g => g.Served.IsCompleted);
            return _guests.Count >= max;
        }
    }

    /// <summary>All that runs for them.</summary>
    public IEnumerable<Task> Served => _guests.Select(static g => g.Served);

    public void Add(KvGuest guest) => _guests.Add(guest);

    /// <summary>The one that has to go, which has no place any more; null: all are of use.</summary>
    public KvGuest? Dismiss()
    {
        var guest = _guests.Find(static g => g.Connection.IsOver)
            ?? _guests.Find(static g => !g.Connection.IsReady)
            ?? _guests.Find(static g => !g.Connection.HasDelivered);
        if (guest is not null)
        {
            _guests.Remove(guest);
        }

        return guest;
    }
}

/// <summary>One publisher that connected to us.</summary>
internal sealed class KvGuest(KvConnection connection, CancellationTokenSource leave) : IDisposable
{
    public KvConnection Connection => connection;

    public CancellationToken Left => leave.Token;

    /// <summary>Ends with the connection, and with the time for which its place is kept after that.</summary>
    public Task Served { get; set; } = Task.CompletedTask;

    public async Task LeaveAsync()
    {
        try
        {
            await leave.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It left by itself just now.
        }
    }

    public void Dispose() => leave.Dispose();
}
