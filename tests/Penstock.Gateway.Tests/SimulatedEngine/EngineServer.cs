using System.Net;
using System.Text;
using System.Text.Json;
using Penstock.Cli.Engine;
using Penstock.Simulator.Replicas;

namespace Penstock.Gateway.Tests.SimulatedEngine;

/// <summary>A simulated engine on a free port, a hundred times as fast as the demo, and a client for it.</summary>
internal sealed class EngineServer : IAsyncDisposable
{
    private readonly SimulatedEngineHost _host;

    private EngineServer(SimulatedEngineHost host)
    {
        _host = host;
        // A client that leaves a stream is to be gone at once; by default it would read on for two seconds.
        var leavesAtOnce = new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero };
        Client = new HttpClient(leavesAtOnce) { BaseAddress = host.Urls[0], Timeout = TimeSpan.FromMinutes(1) };
    }

    public static SimulatedEngineOptions Options { get; } = new()
    {
        Profile = ProfileCatalog.Find("demo-h100")!,
        Models = ["m"],
        TimeScale = 100,
    };

    public HttpClient Client { get; }

    /// <summary>Where it publishes.</summary>
    public SimulatedEventAddresses? Events => _host.Events[0];

    public static async Task<EngineServer> StartAsync(SimulatedEngineOptions? options = null) =>
        new(await SimulatedEngineHost.StartAsync([options ?? Options], TestContext.Current.CancellationToken));

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _host.DisposeAsync();
    }

    public Task<HttpResponseMessage> PostAsync(string path, string json, bool stream = false)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(json, Encoding.UTF8, "application/json"),
        };
        return Client.SendAsync(
            request,
            stream ? HttpCompletionOption.ResponseHeadersRead : HttpCompletionOption.ResponseContentRead,
            TestContext.Current.CancellationToken);
    }

    /// <summary>Posts and reads one JSON document, which must come with that status.</summary>
    public async Task<JsonElement> JsonAsync(string path, string json, HttpStatusCode status = HttpStatusCode.OK)
    {
        using var response = await PostAsync(path, json);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == status, $"{(int)response.StatusCode}: {text}");
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        return JsonDocument.Parse(text).RootElement;
    }

    public async Task<string> TextAsync(string path) =>
        await Client.GetStringAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);

    /// <summary>Posts and reads a whole stream of server-sent events.</summary>
    public async Task<List<SseEvent>> EventsAsync(string path, string json)
    {
        using var response = await PostAsync(path, json, stream: true);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.EndsWith("\n\n", text, StringComparison.Ordinal);
        return [.. text[..^2].Split("\n\n").Select(SseEvent.Parse)];
    }
}

/// <summary>One server-sent event.</summary>
internal sealed record SseEvent(string? Name, string Data)
{
    public JsonElement Json => JsonDocument.Parse(Data).RootElement;

    public static SseEvent Parse(string block)
    {
        var lines = block.Split('\n');
        var name = lines.Length == 2 ? lines[0]["event: ".Length..] : null;
        Assert.StartsWith("data: ", lines[^1], StringComparison.Ordinal);
        return new SseEvent(name, lines[^1]["data: ".Length..]);
    }
}
