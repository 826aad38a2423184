using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Hosting;
using Penstock.Gateway.Tests.Clients;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;
using ScriptedEngine = Penstock.Tests.Shared.ScriptedEngine;

namespace Penstock.Gateway.Tests.Observability;

/// <summary>A whole gateway over real sockets in front of one scripted engine, its request log in memory.</summary>
internal sealed class ObservedGateway : IAsyncDisposable
{
    public const string Key = "sk-test";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly TemporaryFolder _data = new();
    private readonly MemoryStream _log = new();
    private readonly FleetSource _source;
    private GatewayHost? _host;

    private ObservedGateway(ScriptedEngine engine, string more)
    {
        Engine = engine;
        _source = FleetSource.TryCreate(Load(Document(engine.Url, more)), TimeProvider.System,
            NullLogger<FleetSource>.Instance)!;
        Http = new HttpClient();
        Http.DefaultRequestHeaders.Add("x-api-key", Key);
        Http.DefaultRequestHeaders.Add("anthropic-version", "2023-06-01");
    }

    public ScriptedEngine Engine { get; }

    public HttpClient Http { get; }

    public GatewayHost Host => _host!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <param name="otlp">The collector; null exports nothing.</param>
    /// <param name="more">More of the document.</param>
    public static async Task<ObservedGateway> StartAsync(Uri? otlp = null, string more = "")
    {
        var gateway = new ObservedGateway(Personality.Vllm.Start(), more);
        gateway._host = await GatewayHost.StartAsync(
            new GatewayOptions
            {
                Port = 0,
                AdminPort = 0,
                Data = gateway._data.Path,
                RequestLog = gateway._log,
                OtlpEndpoint = otlp,
            },
            gateway._source, TimeProvider.System, NullLoggerFactory.Instance, Cancel);
        Assert.True(await gateway._host.WaitUntilReadyAsync(s_patience, Cancel));
        return gateway;
    }

    public static string Body(bool stream, string model = "test-model") => JsonSerializer.Serialize(new
    {
        model,
        max_tokens = 16,
        stream,
        messages = new[] { new { role = "user", content = "the-secret-of-the-prompt" } },
    });

    public HttpRequestMessage Message(bool stream, string model = "test-model")
    {
        var content = new StringContent(Body(stream, model), Encoding.UTF8);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return new HttpRequestMessage(HttpMethod.Post, new Uri(Host.Url, "/v1/messages")) { Content = content };
    }

    /// <summary>Sends one request and reads its answer whole; returns the status.</summary>
    public async Task<int> AskAsync(bool stream, string model = "test-model")
    {
        using var request = Message(stream, model);
        using var answer = await Http.SendAsync(request, Cancel);
        TestContext.Current.TestOutputHelper!.WriteLine(await answer.Content.ReadAsStringAsync(Cancel));
        return (int)answer.StatusCode;
    }

    /// <summary>The request that the engine got; the probes that found out what it is have no body.</summary>
    public async Task<ReceivedRequest> ReceivedAsync()
    {
        bool IsAsked(ReceivedRequest r) => r.Path == "/v1/messages" && r.Body.Length > 0;
        await Engine.WhenAsync(() => Engine.Requests.Any(IsAsked), Cancel);
        return Engine.Requests.First(IsAsked);
    }

    /// <summary>Replaces the replicas of the pool.</summary>
    public void Reload(params Uri[] replicas) => Assert.Empty(_source.Apply(
        _source.Document with
        {
            Pools =
            [
                _source.Document.Pools[0] with { Replicas = [.. replicas.Select(r => new ReplicaConfig { Url = r })] },
            ],
        },
        SecretValues.None));

    /// <summary>Waits until every request has ended, and reads the metrics.</summary>
    public async Task<OpenMetricsPage> MetricsAsync()
    {
        Assert.True(await Host.DrainAsync(s_patience, Cancel));
        return await ScrapeAsync();
    }

    /// <summary>Waits until every request so far has been counted, and reads the metrics; more may be asked then.
    /// </summary>
    public async Task<OpenMetricsPage> ScrapeIdleAsync()
    {
        while ((await ScrapeAsync()).Sum("penstock_in_flight") > 0)
        {
            Cancel.ThrowIfCancellationRequested();
        }

        return await ScrapeAsync();
    }

    public async Task<OpenMetricsPage> ScrapeAsync()
    {
        using var answer = await Http.GetAsync(new Uri(Host.AdminUrl, "/metrics"), Cancel);
        Assert.Equal(
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            answer.Content.Headers.GetValues("content-type").Single());
        return OpenMetricsPage.Parse(await answer.Content.ReadAsStringAsync(Cancel));
    }

    /// <summary>Stops the gateway and returns the lines of its requests.</summary>
    public async Task<JsonElement[]> StopAsync()
    {
        Assert.True(await Host.DrainAsync(s_patience, Cancel));
        await StopHostAsync();
        var text = Encoding.UTF8.GetString(_log.ToArray());
        Assert.DoesNotContain("the-secret-of-the-prompt", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, text, StringComparison.Ordinal);
        return
        [
            .. text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await StopHostAsync();
        await Engine.DisposeAsync();
        await _log.DisposeAsync();
        _data.Dispose();
    }

    private async Task StopHostAsync()
    {
        if (Interlocked.Exchange(ref _host, null) is { } running)
        {
            await running.DisposeAsync();
        }
    }

    private static ConfigLoad Load(string yaml)
    {
        var load = ConfigLoader.FromText(yaml, 1, new SecretReader(".", static _ => null).Read);
        Assert.Empty(load.Errors);
        return load;
    }

    private static string Document(Uri engine, string more)
    {
        var sha = Convert.ToHexStringLower(
            System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(Key)));
        return string.Create(CultureInfo.InvariantCulture, $"""
            models:
              - id: test-model
            pools:
              - name: p
                model: test-model
                engine: vllm
                replicas:
                  - url: {engine}
                    name: r1
            keys:
              - id: key-1
                org: acme
                admin: true
                secret:
                  sha256: {sha}
            prices:
              - model: test-model
                input: 1000
                output: 3000
                cache_read: 100
            {more}
            """);
    }
}
