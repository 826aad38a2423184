using Penstock.Wire.Peers;

namespace Penstock.Gateway.Cluster.Outgoing;

/// <summary>What an item of the ring says of its replica.</summary>
internal enum NewsKind : byte
{
    Routed,
    Answered,
    CacheLost,
}

/// <summary>One item, without its chain.</summary>
internal readonly record struct News(NewsKind Kind, OutboxReplica Replica, int Blocks, PeerAnswer Answer = default);

/// <summary>
/// The last things that happened here, for every stream to read at its own pace. Full, the oldest are overwritten,
/// and a stream that had not read them yet counts them as missed.
/// </summary>
/// <remarks>
/// Thread-safe. Writing copies a chain under a lock that readers hold as briefly; it allocates nothing. Memory is taken
/// once: 2.4 MiB.
/// </remarks>
internal sealed class RouteRing
{
    public const int ItemsMax = 4_096;

    public const int BlocksMax = 262_144;

    private readonly Lock _lock = new();
    private readonly ulong[] _blocks = new ulong[BlocksMax];
    private readonly Item[] _items = new Item[ItemsMax];
    private long _head;
    private long _next;

    /// <param name="kind">What happened.</param>
    /// <param name="replica">Where.</param>
    /// <param name="chain">The prompt's; blocks beyond <see cref="PeerFormat.BlocksMax"/> are left out.</param>
    public void Add(NewsKind kind, OutboxReplica replica, ReadOnlySpan<ulong> chain = default)
    {
        chain = chain[..Math.Min(chain.Length, PeerFormat.BlocksMax)];
        lock (_lock)
        {
            var at = (int)(_head % BlocksMax);
            var straight = Math.Min(chain.Length, BlocksMax - at);
            chain[..straight].CopyTo(_blocks.AsSpan(at));
            chain[straight..].CopyTo(_blocks);
            _items[_next % ItemsMax] = new Item(new News(kind, replica, chain.Length), _head);
            _head += chain.Length;
            _next++;
        }
    }

    /// <summary>A prompt was answered. Its chain is not kept again.</summary>
    public void Add(OutboxReplica replica, in PeerAnswer answer)
    {
        lock (_lock)
        {
            _items[_next % ItemsMax] = new Item(new News(NewsKind.Answered, replica, 0, answer), _head);
            _next++;
        }
    }

    /// <summary>
    /// The oldest item at or after <paramref name="cursor"/> that is still here, with its chain. Leaves the cursor at
    /// it: who has dealt with it adds one.
    /// </summary>
    /// <param name="cursor">Where the reader stands; 0 is before everything.</param>
    /// <param name="into">Takes the chain: <see cref="PeerFormat.BlocksMax"/> blocks.</param>
    /// <param name="news">The item.</param>
    /// <param name="missed">Items between the cursor and this one that are gone.</param>
    public bool TryRead(ref long cursor, ulong[] into, out News news, out long missed)
    {
        lock (_lock)
        {
            var from = cursor;
            cursor = Math.Max(cursor, _next - ItemsMax);
            while (cursor < _next && _items[cursor % ItemsMax].Start < _head - BlocksMax)
            {
                cursor++;
            }

            missed = cursor - from;
            if (cursor == _next)
            {
                news = default;
                return false;
            }

            ref readonly var item = ref _items[cursor % ItemsMax];
            news = item.News;
            var at = (int)(item.Start % BlocksMax);
            var straight = Math.Min(news.Blocks, BlocksMax - at);
            _blocks.AsSpan(at, straight).CopyTo(into);
            _blocks.AsSpan(0, news.Blocks - straight).CopyTo(into.AsSpan(straight));
            return true;
        }
    }

    private readonly record struct Item(News News, long Start);
}
