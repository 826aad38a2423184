using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// The requests that are in flight in a pool, in slots that are reused. Grows by doubling up to a hard cap and never
/// allocates otherwise.
/// </summary>
internal sealed class TicketTable(int max)
{
    private InFlight[] _slots = new InFlight[64];
    private int _free = -1;
    private int _used;

    public int Count { get; private set; }

    public bool IsFull => Count == max;

    public RouteTicket Open(in InFlight request)
    {
        Check.That(!IsFull);
        int slot;
        if (_free >= 0)
        {
            slot = _free;
            _free = _slots[slot].NextFree;
        }
        else
        {
            if (_used == _slots.Length)
            {
                Array.Resize(ref _slots, Math.Min(max, _slots.Length * 2));
            }

            slot = _used++;
        }

        var generation = _slots[slot].Generation + 1;
        _slots[slot] = request;
        _slots[slot].Generation = generation;
        _slots[slot].Open = true;
        Count++;
        return new RouteTicket(slot, generation);
    }

    /// <summary>The request of a ticket; <paramref name="open"/> is false where it ended before.</summary>
    public ref InFlight Find(RouteTicket ticket, out bool open)
    {
        Check.That((uint)ticket.Slot < (uint)_slots.Length);
        ref var slot = ref _slots[ticket.Slot];
        open = slot.Open && slot.Generation == ticket.Generation;
        return ref slot;
    }

    public void Close(RouteTicket ticket)
    {
        ref var slot = ref Find(ticket, out var open);
        Check.That(open);
        slot.Open = false;
        slot.NextFree = _free;
        _free = ticket.Slot;
        Count--;
    }

    public void Save(StateWriter to)
    {
        to.Write(Count);
        to.Write(_free);
        to.Write(_used);
        to.WriteAll<InFlight>(_slots.AsSpan(0, _used));
    }

    public void Load(ref StateReader from)
    {
        Count = from.Read<int>();
        _free = from.Read<int>();
        _used = Math.Clamp(from.Read<int>(), 0, max);
        _slots = new InFlight[Math.Max(64, _used)];
        from.ReadAll<InFlight>(_slots);
    }

    internal struct InFlight
    {
        public int Replica;
        public int Generation;
        public int NextFree;
        public bool Open;
        public bool FirstTokenSeen;

        /// <summary>Its first token has come, or is taken to have: it counts among those that are decoded.</summary>
        public bool IsDecoding;

        /// <summary>Its answer comes in one piece, so that nobody tells of its first token.</summary>
        public bool IsWhole;

        /// <summary>Its place among <see cref="UntoldFirstTokens"/>, from 1; 0 where it has none.</summary>
        public int UntoldPlace;

        /// <summary>This request's own part of the replica's counters, so that exactly it is given back.</summary>
        public long PrefillTokens;
        public long DecodeTokens;

        /// <summary>Requests in flight at the replica beside this one when its first token came.</summary>
        public int Beside;

        /// <summary>Prefill work at the replica when this one was dispatched, itself included.</summary>
        public long PrefillAtDispatch;
        public long PromptTokens;

        /// <summary>Requests whose first tokens were to come before its own.</summary>
        public int AheadRequests;

        /// <summary>When its first token is expected, in microseconds.</summary>
        public long DueMicroseconds;

        /// <summary>Of these, relied on to be cached.</summary>
        public long MatchedTokens;

        /// <summary>Of these, cached according to the index.</summary>
        public long PredictedTokens;

        /// <summary>Expected tokens of the answer.</summary>
        public long OutputTokens;

        /// <summary>Tokens of prefill that were to be computed at the replica before its own, of all nodes.</summary>
        public double AheadTokens;
        public ulong Key;
        public RequestClass Class;
        public Instant DispatchedAt;
        public Instant FirstTokenAt;

        /// <summary>What it holds of the replica's mirror.</summary>
        public PrefixClaim Claim;

        /// <summary>It counts as decoding from now on, if it did not before.</summary>
        public void BeginDecode(ref ReplicaLoad load)
        {
            if (IsDecoding)
            {
                return;
            }

            LeavePrefill(ref load);
            IsDecoding = true;
            DecodeTokens = PromptTokens + (OutputTokens / 2);
            load.DecodeTokens += DecodeTokens;
        }

        /// <summary>It counts as prefill no more, if it did.</summary>
        public void LeavePrefill(ref ReplicaLoad load)
        {
            if (IsDecoding)
            {
                return;
            }

            load.PrefillTokens -= PrefillTokens;
            load.PrefillPromptTokens -= PromptTokens;
            load.Prefilling--;
            load.Awaited -= IsWhole ? 0 : 1;
            load.DueMicroseconds -= IsWhole ? 0 : DueMicroseconds;
            PrefillTokens = 0;
            Check.That(load.PrefillTokens >= 0 && load.Prefilling >= 0 && load.Awaited >= 0);
        }
    }
}
