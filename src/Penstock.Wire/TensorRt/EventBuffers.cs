namespace Penstock.Wire.TensorRt;

/// <summary>What one event's <c>data</c> said besides its lists.</summary>
internal readonly record struct EventData(TrtllmEventKind Kind, ulong? Parent, int? NewLevel);

/// <summary>The lists of the event that is being read; grown as needed, used again for the next.</summary>
internal sealed class EventBuffers
{
    private const int LevelsMax = 8;

    private readonly long[] _levels = new long[LevelsMax];
    private TrtllmBlock[] _blocks = new TrtllmBlock[64];
    private uint[] _tokens = new uint[2048];
    private ulong[] _hashes = new ulong[64];
    private int _blockCount;
    private int _hashCount;
    private int _levelCount;

    public int TokenCount { get; private set; }

    public void Clear() => _blockCount = _hashCount = _levelCount = TokenCount = 0;

    public void Add(TrtllmBlock block) => Append(ref _blocks, _blockCount++, block);

    public void Add(ulong hash) => Append(ref _hashes, _hashCount++, hash);

    public void AddToken(uint token) => Append(ref _tokens, TokenCount++, token);

    /// <summary>Tiers beyond the eighth are left out.</summary>
    public void AddLevel(long blocks)
    {
        if (_levelCount < LevelsMax)
        {
            _levels[_levelCount++] = blocks;
        }
    }

    public TrtllmEvent EventOf(long id, int rank, long window, EventData data) => new()
    {
        Id = id,
        Rank = rank,
        Window = window,
        Kind = data.Kind,
        Parent = data.Parent,
        Blocks = _blocks.AsSpan(0, _blockCount),
        Tokens = _tokens.AsSpan(0, TokenCount),
        Hashes = _hashes.AsSpan(0, _hashCount),
        NewLevel = data.NewLevel,
        BlocksPerLevel = _levels.AsSpan(0, _levelCount),
    };

    /// <summary>Gives up buffers of more than so many entries.</summary>
    public void Trim(int entriesMax)
    {
        Clear();
        TrimOne(ref _blocks, entriesMax);
        TrimOne(ref _tokens, entriesMax);
        TrimOne(ref _hashes, entriesMax);
    }

    private static void TrimOne<T>(ref T[] buffer, int entriesMax)
    {
        if (buffer.Length > entriesMax)
        {
            buffer = new T[entriesMax];
        }
    }

    private static void Append<T>(ref T[] buffer, int at, T value)
    {
        if (at == buffer.Length)
        {
            Array.Resize(ref buffer, at * 2);
        }

        buffer[at] = value;
    }
}
