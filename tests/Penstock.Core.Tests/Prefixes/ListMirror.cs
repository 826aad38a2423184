namespace Penstock.Core.Tests.Prefixes;

/// <summary>
/// The cache of one engine as one would write it without a thought for speed: what requests hold, and a list of what
/// they left, the oldest first. Blocks of four tokens.
/// </summary>
internal sealed class ListMirror(long capacity, int entriesMax)
{
    public const int BlockTokens = 4;

    private readonly List<Entry> _left = [];
    private readonly Dictionary<ulong, Entry> _held = [];

    public int Count => _left.Count + _held.Count;

    public long Tokens => _left.Sum(e => e.Tokens) + _held.Values.Sum(e => e.Tokens);

    public int Pins => _held.Values.Sum(e => e.Pins);

    public int Generation { get; private set; }

    /// <summary>Tokens that would be found of a chain.</summary>
    public long Match(ulong[] chain)
    {
        var depth = Depth(chain);
        return depth == 0 ? 0 : (BlockTokens * (depth - 1)) + Find(chain[depth - 1])!.Tokens;
    }

    public int Depth(ulong[] chain) => chain.TakeWhile(block => Find(block) is not null).Count();

    /// <summary>Returns how many blocks the request holds.</summary>
    public int Take(ulong[] chain)
    {
        var depth = Depth(chain);
        foreach (var block in chain.Take(depth))
        {
            var entry = Find(block)!;
            _left.Remove(entry);
            _held[block] = entry;
            entry.Tokens = BlockTokens;
            entry.Pins++;
        }

        for (; depth < chain.Length && MakeRoom(BlockTokens); depth++)
        {
            _held[chain[depth]] = new Entry(chain[depth]) { Tokens = BlockTokens, Pins = 1, Confirmed = false };
        }

        return depth;
    }

    public void GiveBack(ulong[] chain, int blocks, int generation, bool confirms)
    {
        if (confirms && (generation != Generation || blocks < chain.Length))
        {
            if (generation == Generation)
            {
                Unpin(chain, blocks, confirms: true);
            }

            blocks = Take(chain);
            generation = Generation;
        }

        if (generation == Generation)
        {
            Unpin(chain, blocks, confirms);
            Fit(0);
        }
    }

    public void Clear()
    {
        _left.Clear();
        _held.Clear();
        Generation++;
    }

    private void Unpin(ulong[] chain, int blocks, bool confirms)
    {
        foreach (var block in chain.Take(blocks).Reverse())
        {
            var entry = _held[block];
            entry.Confirmed |= confirms;
            if (--entry.Pins == 0)
            {
                _held.Remove(block);
                if (entry.Confirmed)
                {
                    _left.Add(entry);
                }
            }
        }
    }

    private bool MakeRoom(long tokens)
    {
        if (!Fit(tokens))
        {
            return false;
        }

        if (Count == entriesMax && _left.Count > 0)
        {
            _left.RemoveAt(0);
        }

        return Count < entriesMax;
    }

    private bool Fit(long tokens)
    {
        while (Tokens + tokens > capacity && _left.Count > 0)
        {
            var lost = Math.Min(_left[0].Tokens, Tokens + tokens - capacity);
            _left[0].Tokens -= lost;
            if (_left[0].Tokens == 0)
            {
                _left.RemoveAt(0);
            }
        }

        return Tokens + tokens <= capacity;
    }

    private Entry? Find(ulong block) =>
        _held.TryGetValue(block, out var held) ? held : _left.Find(e => e.Block == block);

    private sealed class Entry(ulong block)
    {
        public ulong Block { get; } = block;

        public long Tokens { get; set; }

        public int Pins { get; set; }

        public bool Confirmed { get; set; } = true;
    }
}
