using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// The requests in flight whose answers come in one piece, by when their first tokens are due, of which nobody tells.
/// Each knows its place, so that its end takes it out: there are never more than requests in flight.
/// </summary>
/// <remarks>A binary heap. Grows by doubling, and allocates nothing otherwise.</remarks>
internal sealed class UntoldFirstTokens(TicketTable tickets)
{
    private Due[] _heap = new Due[64];
    private int _count;

    public void Add(RouteTicket ticket, long dueMicroseconds)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, _heap.Length * 2);
        }

        Rise(_count++, new Due(dueMicroseconds, ticket));
    }

    /// <summary>Takes out the first of them that is due at <paramref name="now"/>; false where none is.</summary>
    public bool TryTake(Instant now, out RouteTicket ticket)
    {
        ticket = default;
        if (_count == 0 || _heap[0].Microseconds > now.Nanoseconds / 1_000)
        {
            return false;
        }

        ticket = _heap[0].Ticket;
        Remove(ref tickets.Find(ticket, out _));
        return true;
    }

    /// <summary>Takes a request out, if it is in.</summary>
    public void Remove(ref TicketTable.InFlight request)
    {
        var at = request.UntoldPlace - 1;
        if (at < 0)
        {
            return;
        }

        request.UntoldPlace = 0;
        var last = _heap[--_count];
        if (at < _count)
        {
            Sink(at, last);
        }
    }

    public void Save(StateWriter to)
    {
        to.Write(_count);
        to.WriteAll<Due>(_heap.AsSpan(0, _count));
    }

    public void Load(ref StateReader from)
    {
        _count = Math.Clamp(from.Read<int>(), 0, PoolState.InFlightMax);
        _heap = new Due[Math.Max(64, _count)];
        from.ReadAll<Due>(_heap);
    }

    private void Sink(int at, Due due)
    {
        for (var child = (2 * at) + 1; child < _count; child = (2 * at) + 1)
        {
            child += child + 1 < _count && _heap[child + 1].Microseconds < _heap[child].Microseconds ? 1 : 0;
            if (_heap[child].Microseconds >= due.Microseconds)
            {
                break;
            }

            Put(at, _heap[child]);
            at = child;
        }

        Rise(at, due);
    }

    private void Rise(int at, Due due)
    {
        for (; at > 0 && _heap[(at - 1) / 2].Microseconds > due.Microseconds; at = (at - 1) / 2)
        {
            Put(at, _heap[(at - 1) / 2]);
        }

        Put(at, due);
    }

    private void Put(int at, Due due)
    {
        _heap[at] = due;
        tickets.Find(due.Ticket, out var open).UntoldPlace = at + 1;
        Check.That(open);
    }

    private readonly record struct Due(long Microseconds, RouteTicket Ticket);
}
