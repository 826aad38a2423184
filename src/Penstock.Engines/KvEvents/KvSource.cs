using System.Text;
using Penstock.Core.KvSync;

namespace Penstock.Engines.KvEvents;

/// <summary>One publisher: a data-parallel rank of an engine, with a numbering of its own.</summary>
public sealed class KvSource
{
    private readonly byte[] _topicBytes;

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

    /// <summary>The connection that spoke last for this source.</summary>
    internal object? Owner { get; set; }

    /// <summary>One connection at a time speaks for a source.</summary>
    internal SemaphoreSlim Gate { get; } = new(1);

    internal bool Is(ReadOnlySpan<byte> topic, int rank) => rank == Rank && topic.SequenceEqual(_topicBytes);

    public override string ToString() => Topic.Length == 0 ? $"rank {Rank}" : $"{Topic} rank {Rank}";
}
