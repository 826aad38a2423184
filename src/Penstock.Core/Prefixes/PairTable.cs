using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// Where pairs lie, by a key: an open hash table whose chunks are lines of the processor's cache. A chunk has twelve
/// places, a byte of each one's key, and how many were passed on to the chunks after it, so that most of what is asked
/// takes one line, and what was passed on is known without marks for what is gone.
/// </summary>
/// <remarks>The form of the chunks is that of F14 (Bronson and Shi, Facebook, 2019). Keys may be equal; whoever asks
/// compares what lies at the places.</remarks>
internal sealed class PairTable
{
    public const int None = 0;

    private const int PlacesOfChunk = 12;
    private const uint AllPlaces = (1 << PlacesOfChunk) - 1;

    /// <summary>Places in use of a chunk, on average, when all pairs are there.</summary>
    private const int LoadOfChunk = 9;

    private const int Line = 64;

    private readonly Chunk[] _memory;
    private readonly nint _offset;
    private readonly uint _chunks;

    /// <param name="capacity">Pairs that there can be.</param>
    public PairTable(int capacity)
    {
        _chunks = (uint)(capacity / LoadOfChunk) + 1;

        // Pinned, since a collector that moved it would not keep it to the lines.
        _memory = GC.AllocateArray<Chunk>((int)_chunks + 1, pinned: true);
        _offset = -Marshal.UnsafeAddrOfPinnedArrayElement(_memory, 0) & (Line - 1);
    }

    private Span<Chunk> All => MemoryMarshal.CreateSpan(ref ChunkAt(0), (int)_chunks);

    /// <summary>Reads the first line of a key; what is returned is to be used for something.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Warm(ulong key) => ChunkAt(Home(Mix(key))).Passed;

    /// <summary>Pairs of a key, and by chance some of other keys.</summary>
    public int CountOfMaybe(ulong key)
    {
        var mixed = Mix(key);
        var tag = TagOf(mixed);
        var home = Home(mixed);
        var index = home;
        var count = 0;
        do
        {
            ref var chunk = ref ChunkAt(index);
            count += BitOperations.PopCount(chunk.With(tag));
            if (chunk.Passed == 0)
            {
                break;
            }

            index = After(index);
        }
        while (index != home);

        return count;
    }

    /// <summary>Goes through all that may lie under a key.</summary>
    public Probe Find(ulong key) => new(this, Mix(key));

    /// <summary>The place, from <paramref name="first"/> on and within <paramref name="count"/>, where the pair of a
    /// hash lies; none where there is none.</summary>
    public int Find(ulong key, CachedBlock[] pairs, ulong hash, int first, int count)
    {
        var mixed = Mix(key);
        var tag = TagOf(mixed);
        var home = Home(mixed);
        var index = home;
        do
        {
            ref var chunk = ref ChunkAt(index);
            for (var left = chunk.With(tag); left != 0; left &= left - 1)
            {
                // Whose pair it is follows from its place; only what it is must be read.
                var at = chunk.Places[BitOperations.TrailingZeroCount(left)];
                if ((uint)(at - first) < (uint)count && pairs[at].Hash == hash)
                {
                    return at;
                }
            }

            if (chunk.Passed == 0)
            {
                return None;
            }

            index = After(index);
        }
        while (index != home);

        return None;
    }

    /// <summary>Adds a pair. Returns what <see cref="CountOfMaybe"/> does then.</summary>
    public int Add(ulong key, int at)
    {
        var mixed = Mix(key);
        var tag = TagOf(mixed);
        ref var chunk = ref ChunkAt(Home(mixed));
        var free = chunk.With(0);
        if (free == 0)
        {
            AddFurther(mixed, at);
        }
        else
        {
            chunk.Set(BitOperations.TrailingZeroCount(free), tag, at);
        }

        return chunk.Passed == 0 ? BitOperations.PopCount(chunk.With(tag)) : CountOfMaybe(key);
    }

    /// <summary>Takes a pair out, which must be there.</summary>
    public void Remove(ulong key, int at)
    {
        var mixed = Mix(key);
        var index = Home(mixed);
        ref var chunk = ref ChunkAt(index);
        int place;
        while ((place = chunk.PlaceOf(TagOf(mixed), at)) < 0)
        {
            Check.That(chunk.Passed > 0);
            chunk.Passed--;
            index = After(index);
            chunk = ref ChunkAt(index);
        }

        chunk.Set(place, 0, None);
    }

    public void Save(StateWriter to) => to.WriteAll<Chunk>(All);

    public void Load(ref StateReader from) => from.ReadAll(All);

    /// <summary>Adds a pair whose first chunk is full.</summary>
    private void AddFurther(ulong mixed, int at)
    {
        var index = Home(mixed);
        ref var chunk = ref ChunkAt(index);
        var free = 0u;
        do
        {
            chunk.Passed++;
            index = After(index);
            chunk = ref ChunkAt(index);
            free = chunk.With(0);
        }
        while (free == 0);

        chunk.Set(BitOperations.TrailingZeroCount(free), TagOf(mixed), at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong key) => key * 0x9E3779B97F4A7C15UL;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte TagOf(ulong mixed) => (byte)Math.Max(1, (mixed >> 16) & byte.MaxValue);

    /// <summary>The upper half as a share of all chunks: Lemire, "Fast random integer generation in an interval", 2019.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint Home(ulong mixed) => (uint)(((mixed >> 32) * _chunks) >> 32);

    private uint After(uint index) => index + 1 == _chunks ? 0 : index + 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Chunk ChunkAt(uint index) => ref Unsafe.Add(
        ref Unsafe.AddByteOffset(ref MemoryMarshal.GetArrayDataReference(_memory), _offset), index);

    /// <summary>Goes through the places that may be those of a key.</summary>
    public ref struct Probe
    {
        private readonly PairTable _table;
        private readonly byte _tag;
        private readonly uint _home;
        private ref Chunk _chunk;
        private uint _index;
        private uint _left;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal Probe(PairTable table, ulong mixed)
        {
            _table = table;
            _tag = TagOf(mixed);
            _index = _home = table.Home(mixed);
            _chunk = ref table.ChunkAt(_index);
            _left = _chunk.With(_tag);
        }

        /// <summary>The next place; none after the last one.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public int Next()
        {
            while (_left == 0)
            {
                if (_chunk.Passed == 0)
                {
                    return None;
                }

                _index = _table.After(_index);
                if (_index == _home)
                {
                    return None;
                }

                _chunk = ref _table.ChunkAt(_index);
                _left = _chunk.With(_tag);
            }

            var place = BitOperations.TrailingZeroCount(_left);
            _left &= _left - 1;
            return _chunk.Places[place];
        }
    }

    [StructLayout(LayoutKind.Explicit, Size = Line)]
    internal struct Chunk
    {
        /// <summary>A byte of each key, 0 where there is none; the last four are another member.</summary>
        [FieldOffset(0)]
        public Vector128<byte> Tags;

        /// <summary>Pairs that found no place here.</summary>
        [FieldOffset(PlacesOfChunk)]
        public int Passed;

        [FieldOffset(16)]
        public Twelve Places;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly uint With(byte tag) =>
            Vector128.Equals(Tags, Vector128.Create(tag)).ExtractMostSignificantBits() & AllPlaces;

        public readonly int PlaceOf(byte tag, int at)
        {
            for (var left = With(tag); left != 0; left &= left - 1)
            {
                var place = BitOperations.TrailingZeroCount(left);
                if (Places[place] == at)
                {
                    return place;
                }
            }

            return -1;
        }

        public void Set(int place, byte tag, int at)
        {
            Unsafe.Add(ref Unsafe.As<Vector128<byte>, byte>(ref Tags), place) = tag;
            Places[place] = at;
        }
    }

    [InlineArray(PlacesOfChunk)]
    internal struct Twelve
    {
        private int _first;
    }
}
