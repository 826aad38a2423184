using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Recording;

/// <summary>What a log of one pool begins with: all that is needed to make the same router again.</summary>
public sealed record PoolLogHeader
{
    /// <summary>Changes with the format.</summary>
    public const int Format = 6;

    private const int NameBytesMax = 4096;
    private const int ReplicasMax = 65_535;
    private const int OlderHeadBytes = 12;
    private const ulong Magic = 0x474F4C4B_54534E50; // "PNSTKLOG" as little-endian bytes
    private const ulong MagicBefore5 = 0x474F4C_4B435453;

    public required string Pool { get; init; }

    /// <summary>The policy's name.</summary>
    public required string Policy { get; init; }

    /// <summary>Of the router's random numbers.</summary>
    public required ulong Seed { get; init; }

    public required PoolOptions Options { get; init; }

    /// <summary>Names of the replicas, by slot.</summary>
    public required ImmutableArray<string> Replicas { get; init; }

    /// <summary>The program that wrote it (<see cref="BuildName"/>). Another one may decide otherwise.</summary>
    public required string Program { get; init; }

    /// <summary>Wall-clock time of the log's start, in .NET ticks of UTC.</summary>
    public required long StartedTicks { get; init; }

    /// <summary>The same moment on the clock of the records.</summary>
    public required Instant StartedAt { get; init; }

    /// <summary>Bytes of the state that the router had at that point, which follows; 0: the router was new.</summary>
    public long StateBytes { get; init; }

    /// <summary>The log begins with a state, which only the build that wrote it can read.</summary>
    public bool HasCheckpoint => StateBytes > 0;

    /// <summary>The format of a log before 4, whose chunks had other heads; 0 where it is none.</summary>
    internal static int OlderFormatOf(ReadOnlySpan<byte> log) =>
        log.Length > OlderHeadBytes + sizeof(ulong)
        && BinaryPrimitives.ReadUInt64LittleEndian(log[OlderHeadBytes..]) == MagicBefore5
            ? log[OlderHeadBytes + sizeof(ulong)]
            : 0;

    /// <summary>What is said of a log of another format.</summary>
    internal static InvalidDataException Refusal(ulong format) => new(
        $"the log has format {format}, this program reads format {Format}: replay it with the one that wrote it");

    /// <summary>Wall-clock time, in UTC, of what the log dates <paramref name="at"/>.</summary>
    public DateTimeOffset TimeOf(Instant at)
    {
        var ticks = StartedTicks + ((at.Nanoseconds - StartedAt.Nanoseconds) / 100);
        return new DateTimeOffset(Math.Clamp(ticks, 0, DateTimeOffset.MaxValue.UtcTicks), TimeSpan.Zero);
    }

    public void Write(IBufferWriter<byte> output)
    {
        var to = new FieldWriter(output);
        to.WriteFixed(Magic);
        to.Write((ulong)Format);
        to.Write(Pool);
        to.Write(Policy);
        to.WriteFixed(Seed);
        to.Write((ulong)Options.BlocksPerReplica);
        to.Write((ulong)Options.Keying.BlockLength);
        to.Write((byte)(Options.Keying.AreTokens ? 1 : 0));
        to.Write((ulong)Replicas.Length);
        foreach (var replica in Replicas)
        {
            to.Write(replica);
        }

        to.Write(Program);
        to.WriteSigned(StartedTicks);
        to.WriteSigned(StartedAt.Nanoseconds);
        to.WriteSigned(StateBytes);
    }

    /// <exception cref="InvalidDataException">The bytes are no header of this format.</exception>
    public static PoolLogHeader Read(ReadOnlySpan<byte> input)
    {
        var from = new FieldReader(input);
        if (from.ReadFixed() is var magic && magic is not (Magic or MagicBefore5))
        {
            throw new InvalidDataException("this is not a decision log");
        }

        if (from.Read() is var format && (format != Format || magic != Magic))
        {
            throw Refusal(format);
        }

        var pool = from.ReadString(NameBytesMax);
        var policy = from.ReadString(NameBytesMax);
        var seed = from.ReadFixed();
        var blocks = from.ReadCount(int.MaxValue);
        var keying = new PrefixKeying(from.ReadCount(int.MaxValue), from.ReadByte() == 1);
        var names = new string[from.ReadCount(ReplicasMax)];
        for (var i = 0; i < names.Length; i++)
        {
            names[i] = from.ReadString(NameBytesMax);
        }

        return new PoolLogHeader
        {
            Pool = pool,
            Policy = policy,
            Seed = seed,
            Options = new PoolOptions(names.Length, blocks, keying),
            Replicas = [.. names],
            Program = from.ReadString(NameBytesMax),
            StartedTicks = from.ReadSigned(),
            StartedAt = new Instant(from.ReadSigned()),
            StateBytes = from.ReadSigned(),
        };
    }
}
