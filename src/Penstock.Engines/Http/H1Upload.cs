using System.Buffers;
using System.Net.Sockets;

namespace Penstock.Engines.Http;

/// <summary>
/// Sends a request's head and body over a connection. A connection that breaks meanwhile is no failure here: the engine
/// may have answered before it had read everything, and that answer is worth reading.
/// </summary>
internal static class H1Upload
{
    /// <summary>Bytes up to which head and body are copied together and go out in one send.</summary>
    private const int TogetherMax = 128 * 1024;

    /// <summary>Small enough that nobody refuses it before it is there.</summary>
    public static bool IsSmall(ReadOnlyMemory<byte> head, SplicedBody body) => head.Length + body.Length <= TogetherMax;

    /// <summary>Sends a request that <see cref="IsSmall"/>.</summary>
    public static async ValueTask SendTogetherAsync(Socket socket, ReadOnlyMemory<byte> head, SplicedBody body)
    {
        var length = head.Length + (int)body.Length;
        var together = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            head.CopyTo(together);
            body.CopyTo(together.AsSpan(head.Length));
            await SendAllAsync(socket, together.AsMemory(0, length), CancellationToken.None);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(together);
        }
    }

    /// <summary>Sends the pieces from where they lie; after the task has ended nothing reads them any more.</summary>
    /// <returns>False: the connection broke, or <paramref name="cut"/> ended it.</returns>
    public static async Task<bool> SendPiecesAsync(
        Socket socket, ReadOnlyMemory<byte> head, SplicedBody body, CancellationToken cut)
    {
        var whole = await SendAllAsync(socket, head, cut);
        for (var i = 0; i < SplicedBody.Pieces && whole; i++)
        {
            whole = await SendAllAsync(socket, body.Piece(i), cut);
        }

        return whole;
    }

    private static async ValueTask<bool> SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cut)
    {
        try
        {
            while (!bytes.IsEmpty)
            {
                bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cut)..];
            }

            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            return false;
        }
    }
}
