using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace Penstock.Tests.Shared;

/// <summary>
/// One accepted connection: a pump that reads at all times (so that a peer that leaves is noticed while an answer is
/// under way), and a loop that reads a request, runs its script, and goes on.
/// </summary>
internal sealed class ScriptedConnection(ScriptedEngine engine, Socket socket, int number)
{
    private const int PieceBytes = 16 * 1024;
    private const int PiecesMax = 4096;

    private readonly Channel<byte[]> _pieces = Channel.CreateBounded<byte[]>(PiecesMax);
    private readonly TaskCompletionSource _peerGone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _requests;

    /// <summary>Serves until either side ends the connection.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var pump = PumpAsync(gone, stop);
        try
        {
            await ServeAsync(gone.Token, stop);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The peer left, or the engine is being disposed of: both are ordinary ends here.
        }
        finally
        {
            socket.Dispose();
            await pump;
        }
    }

    private async Task PumpAsync(CancellationTokenSource gone, CancellationToken stop)
    {
        var buffer = new byte[PieceBytes];
        try
        {
            while (await socket.ReceiveAsync(buffer, stop) is var n and > 0)
            {
                await _pieces.Writer.WriteAsync(buffer[..n], stop);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Reset by the peer, or closed by our own script.
        }

        _pieces.Writer.TryComplete();
        _peerGone.TrySetResult();
        await gone.CancelAsync();
    }

    private async Task ServeAsync(CancellationToken gone, CancellationToken stop)
    {
        if (!await RunStepsAsync(engine.OnConnect.Steps, gone))
        {
            return;
        }

        var reader = new RequestReader(_pieces.Reader);
        while (await reader.ReadHeadAsync(stop) is { } head)
        {
            var request = Parse(head);
            var answer = engine.AnswerTo(request);
            var script = answer(request);
            if (script.WaitsForBody)
            {
                await reader.ReadBodyAsync(request, stop);
                script = answer(request);
            }

            engine.Record(request);
            if (!await AnswerAsync(request, script, gone, stop) || !script.WaitsForBody)
            {
                return;
            }
        }
    }

    private async Task<bool> AnswerAsync(
        ReceivedRequest request, Script script, CancellationToken gone, CancellationToken stop)
    {
        try
        {
            var keep = await RunStepsAsync(script.Steps, gone);
            request.End(ExchangeEnd.Completed);
            return keep;
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            request.End(stop.IsCancellationRequested ? ExchangeEnd.Stopped : ExchangeEnd.PeerGone);
            return false;
        }
    }

    /// <returns>False: the connection is over.</returns>
    private async Task<bool> RunStepsAsync(IEnumerable<ScriptStep> steps, CancellationToken gone)
    {
        foreach (var step in steps)
        {
            switch (step)
            {
                case ScriptStep.Send send:
                    for (var rest = send.Bytes; rest.Length > 0;)
                    {
                        rest = rest[await socket.SendAsync(rest, gone)..];
                    }

                    break;
                case ScriptStep.Pass pass:
                    await pass.Gate.PassAsync(gone);
                    break;
                case ScriptStep.Hang:
                    await engine.HangAsync(gone);
                    break;
                case ScriptStep.Close:
                    socket.Shutdown(SocketShutdown.Send);
                    await _peerGone.Task.WaitAsync(gone).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    return false;
                case ScriptStep.Reset:
                    socket.LingerState = new LingerOption(true, 0);
                    socket.Close();
                    return false;
            }
        }

        return true;
    }

    private ReceivedRequest Parse(byte[] head)
    {
        var line = Encoding.Latin1.GetString(head).Split("\r\n", 2)[0].Split(' ');
        return new ReceivedRequest
        {
            Head = head,
            Method = line[0],
            Target = line.Length > 1 ? line[1] : "",
            Headers = RequestReader.HeadersOf(head),
            Connection = number,
            OrdinalOnConnection = ++_requests,
            PeerGone = _peerGone.Task,
        };
    }
}
