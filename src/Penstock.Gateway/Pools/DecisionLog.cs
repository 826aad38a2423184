using System.Globalization;

namespace Penstock.Gateway.Pools;

/// <summary>The latest decisions in memory, the oldest overwritten. Thread-safe, lock-free.</summary>
internal sealed class DecisionLog
{
    /// <summary>Decisions kept.</summary>
    public const int Capacity = 16_384;

    private const string Prefix = "dec_";

    private readonly DecisionRecord?[] _ring = new DecisionRecord?[Capacity];
    private readonly ulong _epoch;
    private long _next;

    /// <param name="epoch">Tells the ids of this process from those of an earlier one.</param>
    public DecisionLog(uint epoch)
    {
        _epoch = (ulong)epoch << 32;
    }

    /// <summary>Decisions in memory now.</summary>
    public int Count => (int)Math.Min(Volatile.Read(ref _next), Capacity);

    /// <summary>The id of a decision that is about to be added.</summary>
    public ulong NextId() => _epoch | (uint)Interlocked.Increment(ref _next);

    public void Add(DecisionRecord record) => Volatile.Write(ref _ring[record.Id % Capacity], record);

    /// <summary>The decision of that id; null where it is unknown or no longer kept.</summary>
    public DecisionRecord? Find(string id)
    {
        if (!id.StartsWith(Prefix, StringComparison.Ordinal)
            || !ulong.TryParse(id.AsSpan(Prefix.Length), NumberStyles.HexNumber, null, out var number))
        {
            return null;
        }

        var record = Volatile.Read(ref _ring[number % Capacity]);
        return record?.Id == number ? record : null;
    }

    /// <summary>The decision of a request id; null where it is unknown or no longer kept. Reads the whole ring.</summary>
    public DecisionRecord? FindByRequest(string requestId) =>
        Array.Find(_ring, r => r?.RequestId == requestId);

    /// <summary>The latest decisions, newest first.</summary>
    public IEnumerable<DecisionRecord> Latest(int count)
    {
        var last = Volatile.Read(ref _next);
        for (var i = last; i > Math.Max(0, last - Math.Min(count, Capacity)); i--)
        {
            if (Volatile.Read(ref _ring[(_epoch | (uint)i) % Capacity]) is { } record)
            {
                yield return record;
            }
        }
    }

    public static string Format(ulong id) =>
        string.Create(Prefix.Length + 16, id, static (chars, id) =>
        {
            Prefix.CopyTo(chars);
            id.TryFormat(chars[Prefix.Length..], out _, "x16");
        });
}
