using System.Globalization;
using Penstock.Engines.EventPolls;

namespace Penstock.Gateway.Tests.Engines.EventPolls;

/// <summary>Writes down what it is told, a line each.</summary>
internal sealed class RecordingSink : IKvEventSink
{
    public List<string> Lines { get; } = [];

    public void Reset(int rank, KvResetReason reason) => Note($"reset {rank} {reason}");

    public void Lost(int rank, long events) => Note($"lost {rank} {events}");

    public void Sized(int rank, long window, ReadOnlySpan<long> blocksPerLevel) =>
        Note($"sized {rank} w{window} {string.Join(',', blocksPerLevel.ToArray())}");

    public void Stored(in StoredBlocks stored)
    {
        var blocks = new List<string>();
        foreach (var block in stored.Blocks)
        {
            blocks.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{block.Hash}[{string.Join(',', stored.TokensOf(in block).ToArray())}]@{block.Level}"));
        }

        var parent = stored.Parent is { } hash ? hash.ToString(CultureInfo.InvariantCulture) : "-";
        Note($"stored {stored.Rank} w{stored.Window} after {parent}: {string.Join(' ', blocks)}");
    }

    public void Removed(int rank, long window, ReadOnlySpan<ulong> blocks) =>
        Note($"removed {rank} w{window} {string.Join(',', blocks.ToArray())}");

    public void Moved(int rank, long window, ulong block, int level) =>
        Note($"moved {rank} w{window} {block} to {level}");

    private void Note(FormattableString line) => Lines.Add(line.ToString(CultureInfo.InvariantCulture));
}
