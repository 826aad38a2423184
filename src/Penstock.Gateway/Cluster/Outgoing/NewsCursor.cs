namespace Penstock.Gateway.Cluster.Outgoing;

/// <summary>
/// How far one process of another gateway was told what happened here. What was told once is not told again when a
/// stream breaks: a cache that was lost an hour ago would seem lost now.
/// </summary>
/// <remarks>Moved by one stream, read by the one that comes after it.</remarks>
/// <param name="epoch">Which process.</param>
/// <param name="position">The item of the ring that it is to be told next; -1 where it was told nothing yet.</param>
internal sealed class NewsCursor(long epoch, long position = -1)
{
    private long _position = position;

    public long Epoch { get; } = epoch;

    public long Position
    {
        get => Volatile.Read(ref _position);
        set => Volatile.Write(ref _position, value);
    }
}
