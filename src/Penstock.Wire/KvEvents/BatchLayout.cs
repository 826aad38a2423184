using Penstock.Wire.MessagePack;

namespace Penstock.Wire.KvEvents;

/// <summary>A batch, checked from end to end and found to be one: an array [time, events, rank] whose rank may be left
/// out, or a map of the same.</summary>
internal ref struct BatchLayout
{
    public BatchLayout()
    {
    }

    public MessagePackReader Events;
    public int EventCount;
    public double Timestamp;
    public int Rank = -1;

    private bool _hasEvents;

    public KvBatchStatus Read(ReadOnlySpan<byte> payload)
    {
        var reader = new MessagePackReader(payload);
        switch (reader.Next)
        {
            case MessagePackType.Array:
                reader.TryReadArray(out var items);
                for (var i = 0; i < items; i++)
                {
                    var value = reader;
                    reader.TrySkip();
                    Take(i, value);
                }

                break;
            case MessagePackType.Map:
                reader.TryReadMap(out var pairs);
                for (var i = 0; i < pairs; i++)
                {
                    var key = reader;
                    reader.TrySkip();
                    var value = reader;
                    reader.TrySkip();
                    Take(key.TryReadText(out var name) ? IndexOf(name) : -1, value);
                }

                break;
            default:
                reader.TrySkip();
                break;
        }

        return reader.Status != MessagePackStatus.Ok || !reader.IsAtEnd ? KvBatchStatus.Malformed
            : _hasEvents ? KvBatchStatus.Ok
            : KvBatchStatus.NotABatch;
    }

    private static int IndexOf(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("ts"u8) ? 0
        : name.SequenceEqual("events"u8) ? 1
        : name.SequenceEqual("data_parallel_rank"u8) || name.SequenceEqual("attn_dp_rank"u8) ? 2
        : -1;

    private void Take(int index, MessagePackReader value)
    {
        switch (index)
        {
            case 0 when value.Next is MessagePackType.Float or MessagePackType.Integer:
                value.TryReadDouble(out Timestamp);
                break;
            case 1 when value.Next == MessagePackType.Array:
                _hasEvents = value.TryReadArray(out EventCount);
                Events = value;
                break;
            case 2 when value.Next == MessagePackType.Integer && value.TryReadInt64(out var rank):
                Rank = rank is >= 0 and <= int.MaxValue ? (int)rank : -1;
                break;
        }
    }
}
