using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Core.Primitives;

namespace Penstock.Gateway.Ledger;

/// <summary>
/// The bytes of a journal record's payload: fixed-width little-endian fields first, then texts as one length byte and
/// UTF-8. Encoding allocates nothing. A change of layout takes a new <see cref="RecordKind"/>.
/// </summary>
internal static class RecordCodec
{
    /// <summary>Longer texts are cut at the last whole character that fits.</summary>
    public const int TextBytesMax = 255;

    /// <summary>The largest payload: the fixed part of an admission and six texts.</summary>
    public const int PayloadBytesMax = AdmissionFixed + (6 * (1 + TextBytesMax));

    private const int AdmissionFixed = 46;
    private const int SettlementFixed = 134;
    private const long None = long.MinValue;

    /// <summary>Writes the payload and returns its length.</summary>
    public static int Encode(in AdmissionRecord record, Span<byte> target)
    {
        WriteKey(record.Key, target);
        BinaryPrimitives.WriteInt64LittleEndian(target[20..], record.At.UtcTicks);
        target[28] = (byte)record.Dialect;
        target[29] = record.Stream ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64LittleEndian(target[30..], record.PromptTokensEstimate);
        BinaryPrimitives.WriteInt64LittleEndian(target[38..], record.OutputTokensMax);
        var length = AdmissionFixed;
        length += WriteText(record.KeyId, target[length..]);
        length += WriteText(record.Org, target[length..]);
        length += WriteText(record.Workspace, target[length..]);
        length += WriteText(record.Model, target[length..]);
        length += WriteText(record.Pool, target[length..]);
        length += WriteText(record.Replica, target[length..]);
        return length;
    }

    /// <summary>Writes the payload and returns its length.</summary>
    public static int Encode(in SettlementRecord record, Span<byte> target)
    {
        WriteKey(record.Key, target);
        BinaryPrimitives.WriteInt64LittleEndian(target[20..], record.At.UtcTicks);
        target[28] = (byte)record.Outcome;
        target[29] = record.UsageIsEstimated ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64LittleEndian(target[30..], record.HttpStatus);
        BinaryPrimitives.WriteInt64LittleEndian(target[38..], record.Usage.Input);
        BinaryPrimitives.WriteInt64LittleEndian(target[46..], record.Usage.CacheWrite5m);
        BinaryPrimitives.WriteInt64LittleEndian(target[54..], record.Usage.CacheWrite1h);
        BinaryPrimitives.WriteInt64LittleEndian(target[62..], record.Usage.CacheRead);
        BinaryPrimitives.WriteInt64LittleEndian(target[70..], record.Usage.Output);
        BinaryPrimitives.WriteInt64LittleEndian(target[78..], record.Usage.Thinking);
        BinaryPrimitives.WriteInt64LittleEndian(target[86..], record.Price?.MicroUsd ?? None);
        BinaryPrimitives.WriteInt64LittleEndian(target[94..], record.Cost?.MicroUsd ?? None);
        BinaryPrimitives.WriteInt64LittleEndian(target[102..], record.FirstByteAfter?.Ticks ?? None);
        BinaryPrimitives.WriteInt64LittleEndian(target[110..], record.Duration.Ticks);
        BinaryPrimitives.WriteInt64LittleEndian(target[118..], record.RequestBytes);
        BinaryPrimitives.WriteInt64LittleEndian(target[126..], record.ResponseBytes);
        return SettlementFixed + WriteText(record.DecisionId, target[SettlementFixed..]);
    }

    /// <summary>False where the bytes are not such a record.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> source, out AdmissionRecord record)
    {
        record = default;
        if (source.Length < AdmissionFixed)
        {
            return false;
        }

        var at = AdmissionFixed;
        if (!TryReadText(source, ref at, out var keyId) || !TryReadText(source, ref at, out var org)
            || !TryReadText(source, ref at, out var workspace) || !TryReadText(source, ref at, out var model)
            || !TryReadText(source, ref at, out var pool) || !TryReadText(source, ref at, out var replica))
        {
            return false;
        }

        record = new AdmissionRecord
        {
            Key = ReadKey(source),
            At = ReadTime(source[20..]),
            Dialect = (Dialect)source[28],
            Stream = source[29] != 0,
            PromptTokensEstimate = BinaryPrimitives.ReadInt64LittleEndian(source[30..]),
            OutputTokensMax = BinaryPrimitives.ReadInt64LittleEndian(source[38..]),
            KeyId = keyId,
            Org = org,
            Workspace = workspace,
            Model = model,
            Pool = pool,
            Replica = replica,
        };
        return true;
    }

    /// <summary>False where the bytes are not such a record.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> source, out SettlementRecord record)
    {
        record = default;
        var at = SettlementFixed;
        if (source.Length < SettlementFixed || !TryReadText(source, ref at, out var decisionId))
        {
            return false;
        }

        record = new SettlementRecord
        {
            Key = ReadKey(source),
            At = ReadTime(source[20..]),
            Outcome = (AttemptOutcome)source[28],
            UsageIsEstimated = source[29] != 0,
            HttpStatus = (int)BinaryPrimitives.ReadInt64LittleEndian(source[30..]),
            Usage = new TokenUsage(
                BinaryPrimitives.ReadInt64LittleEndian(source[38..]),
                BinaryPrimitives.ReadInt64LittleEndian(source[46..]),
                BinaryPrimitives.ReadInt64LittleEndian(source[54..]),
                BinaryPrimitives.ReadInt64LittleEndian(source[62..]),
                BinaryPrimitives.ReadInt64LittleEndian(source[70..]),
                BinaryPrimitives.ReadInt64LittleEndian(source[78..])),
            Price = ReadOptional(source[86..]) is { } price ? new Money(price) : null,
            Cost = ReadOptional(source[94..]) is { } cost ? new Money(cost) : null,
            FirstByteAfter = ReadOptional(source[102..]) is { } ticks ? new TimeSpan(ticks) : null,
            Duration = new TimeSpan(BinaryPrimitives.ReadInt64LittleEndian(source[110..])),
            RequestBytes = BinaryPrimitives.ReadInt64LittleEndian(source[118..]),
            ResponseBytes = BinaryPrimitives.ReadInt64LittleEndian(source[126..]),
            DecisionId = decisionId,
        };
        return true;
    }

    private static void WriteKey(AttemptKey key, Span<byte> target)
    {
        key.RequestId.TryWriteBytes(target, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32LittleEndian(target[16..], key.Attempt);
    }

    private static AttemptKey ReadKey(ReadOnlySpan<byte> source) =>
        new(new Guid(source[..16], bigEndian: true), BinaryPrimitives.ReadInt32LittleEndian(source[16..]));

    private static DateTimeOffset ReadTime(ReadOnlySpan<byte> source) =>
        new(BinaryPrimitives.ReadInt64LittleEndian(source), TimeSpan.Zero);

    private static long? ReadOptional(ReadOnlySpan<byte> source) =>
        BinaryPrimitives.ReadInt64LittleEndian(source) is var value && value == None ? null : value;

    private static int WriteText(string? text, Span<byte> target)
    {
        // What does not fit is cut; a lone surrogate becomes U+FFFD.
        _ = Utf8.FromUtf16(text, target.Slice(1, TextBytesMax), out _, out var written);
        target[0] = (byte)written;
        return 1 + written;
    }

    private static bool TryReadText(ReadOnlySpan<byte> source, ref int at, out string text)
    {
        if (at >= source.Length || source.Length - at - 1 < source[at])
        {
            text = "";
            return false;
        }

        text = Encoding.UTF8.GetString(source.Slice(at + 1, source[at]));
        at += 1 + source[at];
        return true;
    }
}
