using Penstock.Core.Models;

namespace Penstock.Gateway.Requests;

/// <summary>
/// Puts a sign of life into a stream whose engine is silent, between two events, so that clients and proxies with a
/// timeout on silence keep it open.
/// </summary>
internal static class Pings
{
    private static ReadOnlySpan<byte> AnthropicPing => "event: ping\ndata: {\"type\": \"ping\"}\n\n"u8;

    private static ReadOnlySpan<byte> Comment => ": ping\n\n"u8;

    /// <summary>Never waits: where the stream is being written to, it is not silent.</summary>
    public static void SendIfDue(Exchange x, long now, TimeProvider time)
    {
        if (!x.MayPing || !x.Writing.Wait(0))
        {
            return;
        }

        var release = true;
        try
        {
            // The exchange may have ended, or begun another use, since it was looked at: the flag is set and cleared
            // by the relay under the same semaphore.
            if (!x.MayPing || !x.Tap.AtEventEnd
                || time.GetElapsedTime(x.LastWrite, now) < x.Fleet.Limits.PingAfter)
            {
                return;
            }

            var ping = x.Dialect == Dialect.Anthropic ? AnthropicPing : Comment;
            var writer = x.Http.Response.BodyWriter;
            ping.CopyTo(writer.GetSpan(ping.Length));
            writer.Advance(ping.Length);
            x.LastWrite = now;
            var flushed = writer.FlushAsync();
            if (!flushed.IsCompleted)
            {
                release = false;
                flushed.AsTask().ContinueWith(
                    static (_, state) => ((SemaphoreSlim)state!).Release(), x.Writing, TaskScheduler.Default);
            }
        }
        catch (Exception e) when (e is InvalidOperationException or ObjectDisposedException)
        {
            // The response ended under us: there is nothing left to keep open.
        }
        finally
        {
            if (release)
            {
                x.Writing.Release();
            }
        }
    }
}
