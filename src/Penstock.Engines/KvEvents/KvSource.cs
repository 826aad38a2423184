using System.Text;
using Penstock.Core.KvSync;

namespace Penstock.Engines.KvEvents;

/// <summary>One publisher: a data-parallel rank of an engine, with a numbering of its own.</summary>
public sealed class KvSource
{
    private readonly byte[] _topicBytes;
    private long _gapsUntil;

    internal KvSource(string topic, int rank)
    {
        Topic = topic;
        Rank = rank;
        _topicBytes = Encoding.UTF8.GetBytes(topic);
    }

    /// <summary>The topic that its batches carry; empty where the subscription has but this one source.</summary>
    public string Topic { get; }

    /// <summary>The data-parallel rank, as its batches say, else as the subscription does.</summary>
    public int Rank { get; internal set; }

    /// <summary>The number of the batch expected next.</summary>
    public ulong Next => Sequence.Next;

    /// <summary>Whatever the listener wants to find again with the source.</summary>
    public object? Tag { get; set; }

    internal KvSequence Sequence { get; set; }

    /// <summary>A hash of the last batch taken: batches hold their time, so another process has others.</summary>
    internal ulong LastBatch { get; set; }

    /// <summary>No replay is asked for before this moment of the subscription's clock.</summary>
    internal long ReplayNotBefore { get; set; }

    /// <summary>The connection whose numbers are followed.</summary>
    internal KvConnection? Owner { get; set; }

    /// <summary>The connection that named this source last. Of the table.</summary>
    internal KvConnection? Speaker { get; set; }

    /// <summary>Its place among those made. Of the table.</summary>
    internal long Ordinal { get; init; }

    /// <summary>Nobody speaks for it any more, nor is about to.</summary>
    internal bool IsLeft => Speaker is { IsOver: true } && Gate.CurrentCount > 0;

    /// <summary>One connection at a time speaks for a source.</summary>
    internal SemaphoreSlim Gate { get; } = new(1);

    /// <summary>One more gap is to be given up: <paramref name="most"/> at once, and one more whenever so much time has
    /// gone by. Each has all that is known of the source looked through.</summary>
    /// <returns>False: there were too many.</returns>
    internal bool TryGiveUp(int most, TimeSpan every, TimeProvider time)
    {
        var now = time.GetTimestamp();
        var each = (long)(every.TotalSeconds * time.TimestampFrequency);
        var from = Math.Max(now, _gapsUntil);
        if (from - now > each * (most - 1))
        {
            return false;
        }

        _gapsUntil = from + each;
        return true;
    }

    internal bool Is(ReadOnlySpan<byte> topic, int rank) => rank == Rank && topic.SequenceEqual(_topicBytes);

    public override string ToString() => Topic.Length == 0 ? $"rank {Rank}" : $"{Topic} rank {Rank}";
}
