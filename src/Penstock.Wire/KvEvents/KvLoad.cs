using System.Buffers;
using Penstock.Wire.MessagePack;

namespace Penstock.Wire.KvEvents;

/// <summary>
/// SGLang's load, pushed: an array or map tagged <c>LoadStat</c> on the topic <c>load</c> of a PUB socket of its own,
/// whenever it changes and once a second. Source: <c>python/sglang/srt/managers/scheduler_components/load_publisher.py
/// </c>.
/// </summary>
/// <param name="Running">Requests being served.</param>
/// <param name="Waiting">Requests in the queue.</param>
/// <param name="Tokens">Tokens in the cache that are in use.</param>
/// <param name="TokensMax">Tokens that the cache holds; 0: not known.</param>
/// <param name="Rank">The data-parallel rank; −1: not said.</param>
public readonly record struct KvLoad(int Running, int Waiting, long Tokens, long TokensMax, int Rank)
{
    /// <summary>The topic.</summary>
    public static ReadOnlySpan<byte> Topic => "load"u8;

    /// <summary>Reads a payload; false where it is not a load.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out KvLoad load)
    {
        load = default;
        var reader = new MessagePackReader(payload);
        var isMap = reader.Next == MessagePackType.Map;
        var count = 0;
        if (isMap ? !reader.TryReadMap(out count) : !reader.TryReadArray(out count))
        {
            return false;
        }

        Span<long> fields = [0, 0, 0, 0, -1];
        var isLoad = false;
        for (var i = 0; i < count; i++)
        {
            var index = isMap ? ReadName(ref reader) : i - 1;
            if (index == -1)
            {
                isLoad = reader.Next == MessagePackType.Text && reader.TryReadText(out var tag)
                    && tag.SequenceEqual("LoadStat"u8);
                if (!isLoad)
                {
                    return false;
                }
            }
            else if (index < fields.Length && reader.Next == MessagePackType.Integer)
            {
                reader.TryReadInt64(out fields[index]);
            }
            else
            {
                reader.TrySkip();
            }
        }

        load = new KvLoad(Small(fields[0]), Small(fields[1]), Large(fields[2]), Large(fields[3]), RankOf(fields[4]));
        return isLoad && reader.Status == MessagePackStatus.Ok;
    }

    /// <summary>Writes a payload as SGLang does.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var pack = new MessagePackWriter(output);
        pack.Array(6);
        pack.Text("LoadStat"u8);
        pack.Int64(Running);
        pack.Int64(Waiting);
        pack.Int64(Tokens);
        pack.Int64(TokensMax);
        if (Rank < 0)
        {
            pack.Nil();
        }
        else
        {
            pack.Int64(Rank);
        }
    }

    private static int ReadName(ref MessagePackReader reader)
    {
        if (!reader.TryReadText(out var name))
        {
            return int.MaxValue;
        }

        return name.SequenceEqual("type"u8) ? -1
            : name.SequenceEqual("num_running_reqs"u8) ? 0
            : name.SequenceEqual("num_waiting_reqs"u8) ? 1
            : name.SequenceEqual("num_tokens"u8) ? 2
            : name.SequenceEqual("max_total_num_tokens"u8) ? 3
            : name.SequenceEqual("attn_dp_rank"u8) ? 4
            : int.MaxValue;
    }

    private static int Small(long value) => (int)Math.Clamp(value, 0, int.MaxValue);

    private static long Large(long value) => Math.Max(0, value);

    private static int RankOf(long value) => value is >= 0 and <= int.MaxValue ? (int)value : -1;
}
