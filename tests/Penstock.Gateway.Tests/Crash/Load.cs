using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using Penstock.Core.Models;
using Penstock.Gateway.Tests.Clients;

namespace Penstock.Gateway.Tests.Crash;

/// <summary>What a client got of an answer with status 200.</summary>
/// <param name="RequestId">As the client was told.</param>
/// <param name="IsWhole">To its last byte.</param>
internal sealed record Receipt(string RequestId, Order Order, bool IsWhole);

/// <summary>
/// Clients of one gateway that ask without a pause until it is killed, at a point that is a number of things seen:
/// requests begun, heads received, answers ended.
/// </summary>
internal sealed class Load(GatewayProcess gateway, Random random)
{
    private const int Workers = 6;
    private const int Held = 4;

    private static readonly TimeSpan s_stuckAfter = TimeSpan.FromMinutes(1);

    private readonly ConcurrentQueue<Receipt> _receipts = new();
    private readonly ConcurrentQueue<string> _troubles = new();
    private int _orders;
    private int _seen;
    private int _killAt;
    private TimeSpan _killAfter;
    private volatile bool _killed;

    public IReadOnlyCollection<Receipt> Receipts => _receipts;

    /// <summary>What went wrong while the gateway was alive; empty in a good run.</summary>
    public IReadOnlyCollection<string> Troubles => _troubles;

    public int Orders => _orders;

    /// <summary>Runs until the kill, and until every client has noticed it.</summary>
    /// <param name="seenMax">The kill comes after at most so many things seen.</param>
    public async Task RunUntilKilledAsync(int seenMax)
    {
        _seen = 0;
        _killed = false;
        _killAt = random.Next(1, seenMax);
        _killAfter = TimeSpan.FromMicroseconds(random.Next(2000));
        using var handler = new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero };
        using var http = new HttpClient(handler) { BaseAddress = gateway.Url, Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.Add("x-api-key", gateway.Key);
        var seed = random.Next();
        var workers = Enumerable.Range(0, Workers).Select(i => WorkAsync(http, new Random(seed + i)));
        var held = Enumerable.Range(0, Held).Select(i => SendAsync(http, Order.Draw(
            Interlocked.Increment(ref _orders), random, i % 2 == 0 ? Fate.HeldBefore : Fate.HeldWithin)));
        await Task.WhenAll([.. held, .. workers]).WaitAsync(s_stuckAfter, TestContext.Current.CancellationToken);
        await gateway.Kill();
    }

    private async Task WorkAsync(HttpClient http, Random draws)
    {
        while (!_killed)
        {
            await SendAsync(http, Order.Draw(Interlocked.Increment(ref _orders), draws));
        }
    }

    private async Task SendAsync(HttpClient http, Order order)
    {
        try
        {
            Saw();
            using var request = new HttpRequestMessage(HttpMethod.Post, order.Path)
            {
                Content = new ByteArrayContent(Encoding.UTF8.GetBytes(order.Body())),
            };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await http.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            Saw();
            var isWhole = await ReadAsync(response, order);
            if ((int)response.StatusCode == 200)
            {
                _receipts.Enqueue(new Receipt(IdIn(response, order), order, isWhole));
            }

            Saw();
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            if (!_killed)
            {
                _troubles.Enqueue($"{order}: {e.Message}");
            }
        }
    }

    /// <returns>True: the answer came to its last byte.</returns>
    private static async Task<bool> ReadAsync(HttpResponseMessage response, Order order)
    {
        await using var body = await response.Content.ReadAsStreamAsync(CancellationToken.None);
        if (order.Fate == Fate.ClientLeaves)
        {
            await body.ReadExactlyAsync(new byte[1], CancellationToken.None);
            return false;
        }

        try
        {
            using var text = new StreamReader(body);
            var all = await text.ReadToEndAsync(CancellationToken.None);
            return all.Contains(
                !order.Stream ? "}" : order.Dialect == Dialect.Anthropic ? "message_stop" : "[DONE]",
                StringComparison.Ordinal);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return false;
        }
    }

    private static string IdIn(HttpResponseMessage response, Order order) =>
        response.Headers.GetValues(order.Dialect == Dialect.Anthropic ? "request-id" : "x-request-id").Single();

    private void Saw()
    {
        if (Interlocked.Increment(ref _seen) != _killAt)
        {
            return;
        }

        // Not always with the thing that was seen: a little later, while the others go on.
        var from = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(from) < _killAfter)
        {
            Thread.SpinWait(20);
        }

        _killed = true;
        gateway.KillNow();
    }
}
