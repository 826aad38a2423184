using System.Buffers;
using System.Collections.Immutable;
using Penstock.Core.Prefixes;
using Penstock.Core.Routing;

namespace Penstock.Core.Recording;

/// <summary>What a log of one pool begins with: all that is needed to make the same router again.</summary>
public sealed record PoolLogHeader
{
    /// <summary>Changes with the format.</summary>
    public const int Format = 2;

    private const int NameBytesMax = 4096;
    private const int ReplicasMax = 65_535;
    private const ulong Magic = 0x474F4C_4B435453; // "STCKLOG" as little-endian bytes

    public required string Pool { get; init; }

    /// <summary>The policy's name.</summary>
    public required string Policy { get; init; }

    /// <summary>Of the router's random numbers.</summary>
    public required ulong Seed { get; init; }

    public required PoolOptions Options { get; init; }

    /// <summary>Names of the replicas, by slot.</summary>
    public required ImmutableArray<string> Replicas { get; init; }

    /// <summary>The program that wrote it. Another one may decide otherwise.</summary>
    public required string Program { get; init; }

    /// <summary>Wall-clock time of the log's start, in .NET ticks of UTC.</summary>
    public required long StartedTicks { get; init; }

    /// <summary>A state follows that the router had at that point; without it the router was new.</summary>
    public required bool HasCheckpoint { get; init; }

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
        to.Write((byte)(HasCheckpoint ? 1 : 0));
    }

    /// <exception cref="InvalidDataException">The bytes are no header of this format.</exception>
    public static PoolLogHeader Read(ReadOnlySpan<byte> input)
    {
        var from = new FieldReader(input);
        if (from.ReadFixed() != Magic)
        {
            throw new InvalidDataException("this is not a decision log");
        }

        if (from.Read() is var format && format != Format)
        {
            throw new InvalidDataException($"the log has format {format}; this program reads format {Format}");
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
            HasCheckpoint = from.ReadByte() == 1,
        };
    }
}
