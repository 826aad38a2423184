using System.Globalization;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Core.Recording;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Hosting;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Storage;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>
/// A whole gateway in this process, on real sockets, in front of scripted engines. Its clock stands still unless the
/// test moves it: no probe, ping or watchdog comes by itself.
/// </summary>
internal sealed class RunningGateway : IAsyncDisposable
{
    public const string Key = "sk-penstock-test-1";
    public const string Model = "claude-test";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly ConditionalWeakTable<object, CancellationTokenSource> Guards = [];

    private readonly DirectoryInfo _data;
    private readonly GatewayHost _host;
    private readonly HttpClient _admin;
    private bool _stopped;

    private RunningGateway(DirectoryInfo data, GatewayHost host, FleetSource source, ManualClock clock)
    {
        _data = data;
        _host = host;
        Source = source;
        Clock = clock;
        Client = new HttpClient { BaseAddress = host.Url, Timeout = Timeout.InfiniteTimeSpan };
        Client.DefaultRequestHeaders.Add("x-api-key", Key);
        _admin = new HttpClient { BaseAddress = host.AdminUrl };
        _admin.DefaultRequestHeaders.Add("x-api-key", Key);
    }

    public ManualClock Clock { get; }

    /// <summary>The folder of its decision logs; they are complete once it has stopped.</summary>
    public string Decisions => Path.Combine(_data.FullName, "decisions");

    /// <summary>What the gateway says went wrong by its own fault; a test that leaves any fails.</summary>
    public required FaultLog Faults { get; init; }

    public FleetSource Source { get; }

    public GatewayHost Host => _host;

    public Uri Url => _host.Url;

    /// <summary>Carries the key; never times out.</summary>
    public HttpClient Client { get; }

    /// <summary>Ends a test that hangs; far beyond what one that passes needs.</summary>
    public static CancellationToken Guard =>
        Guards.GetValue(TestContext.Current.Test!, static _ => new(Patience)).Token;

    /// <summary>A gateway whose one pool has these engines; ready once each of them was recognised.</summary>
    public static Task<RunningGateway> StartAsync(params ScriptedEngine[] engines) => StartAsync(null, engines);

    /// <param name="change">What the test wants otherwise in the document.</param>
    /// <param name="engines">The replicas, named r0, r1, and so on.</param>
    public static Task<RunningGateway> StartAsync(
        Func<PenstockConfig, PenstockConfig>? change, params ScriptedEngine[] engines)
    {
        var document = Document(engines);
        document = change is null ? document : change(document);
        var clock = new ManualClock();
        clock.Advance(TimeSpan.FromHours(1));
        var secrets = SecretReader.FromProcess(Path.GetTempPath()).Read(document);
        var load = ConfigLoader.FromDocument(document, 1, secrets);
        Assert.Empty(load.Errors);
        return StartAsync(FleetSource.TryCreate(load, clock, NullLogger<FleetSource>.Instance)!, clock);
    }

    public static async Task<RunningGateway> StartAsync(FleetSource source, ManualClock clock)
    {
        var data = Directory.CreateTempSubdirectory("penstock-requests-");
        var options = new GatewayOptions { Port = 0, AdminPort = 0, Data = data.FullName };
        var faults = new FaultLog();
        var host = await GatewayHost.StartAsync(options, source, clock, faults, Guard);
        var gateway = new RunningGateway(data, host, source, clock) { Faults = faults };
        await gateway.WhenFleetAsync(AllRecognised);
        return gateway;
    }

    /// <summary>The smallest document that serves <see cref="Model"/> by these engines.</summary>
    public static PenstockConfig Document(params ScriptedEngine[] engines) => new()
    {
        Models = [new ModelConfig { Id = Model, Aliases = ["alias"], MaxOutputTokens = 4096 }],
        Pools = [Pool("main", engines)],
        Keys =
        [
            new KeyConfig { Id = "k1", Admin = true, Secret = new KeySecretConfig { Sha256 = Sha256(Key) } },
        ],
    };

    /// <summary>Round robin from the first replica on, so that a test knows who is asked.</summary>
    public static PoolConfig Pool(string name, params ScriptedEngine[] engines) => new()
    {
        Name = name,
        Model = Model,
        Policy = "round-robin",
        Replicas = [.. engines.Select((e, i) => new ReplicaConfig { Url = e.Url, Name = $"r{i}" })],
    };

    public static string Sha256(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    /// <summary>Sends a request and reads no more than the head of the answer.</summary>
    public Task<HttpResponseMessage> SendAsync(
        string path, byte[] body, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                request.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Guard);
    }

    public Task<HttpResponseMessage> SendAsync(string path, string body, params (string, string)[] headers) =>
        SendAsync(path, Encoding.UTF8.GetBytes(body), headers);

    /// <summary>Sends a request and reads the whole answer.</summary>
    public async Task<Answer> AskAsync(string path, string body, params (string, string)[] headers)
    {
        using var response = await SendAsync(path, body, headers);
        return await Answer.ReadAsync(response);
    }

    /// <summary>A page of the operators' port.</summary>
    public async Task<JsonElement> AdminAsync(string path)
    {
        using var document = JsonDocument.Parse(await _admin.GetStringAsync(path, Guard));
        return document.RootElement.Clone();
    }

    /// <summary>Completes once the fleet, as operators see it, is as wanted.</summary>
    public async Task WhenFleetAsync(Func<JsonElement, bool> holds)
    {
        while (!holds(await AdminAsync("/admin/fleet")))
        {
            Guard.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Completes once no request is being served. One that is about to be tried elsewhere has no replica, and
    /// a record that tells how its last attempt ended.</summary>
    public async Task WhenIdleAsync()
    {
        while (!(await _admin.GetStringAsync("/metrics", Guard)).Contains("\npenstock_in_flight 0\n"))
        {
            Guard.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Moves time, a second at a step, until the log has this line.</summary>
    public async Task WhenNewsAsync(string line)
    {
        while (!Faults.News.Contains(line))
        {
            Clock.Advance(TimeSpan.FromSeconds(1));
            await AdminAsync("/admin/config");
        }
    }

    /// <summary>Moves time, a second at a step, until <paramref name="what"/> is done.</summary>
    public async Task<T> PassTimeAsync<T>(Task<T> what)
    {
        while (!what.IsCompleted)
        {
            Clock.Advance(TimeSpan.FromSeconds(1));

            // A question between two steps gives the gateway the time to act.
            await AdminAsync("/admin/config");
        }

        return await what;
    }

    /// <summary>The decision records, oldest first.</summary>
    public async Task<IReadOnlyList<JsonElement>> DecisionsAsync() =>
        [.. (await AdminAsync("/admin/decisions?limit=1000")).GetProperty("decisions").EnumerateArray().Reverse()];

    /// <summary>
    /// The end of the books: nothing is in flight, every decision is complete, the gateway is stopped. Returns what the
    /// ledger holds of each request, in order.
    /// </summary>
    public async Task<IReadOnlyList<BookedRequest>> CloseBooksAsync()
    {
        await WhenIdleAsync();
        Assert.True(NothingInFlight(await AdminAsync("/admin/fleet")));
        var decisions = await DecisionsAsync();
        Assert.DoesNotContain(decisions, d => d.GetProperty("outcome").GetString() == "in_flight");
        await StopAsync();
        using var ledger = new SqliteLedger(SqliteDatabase.OpenToRead(_data.FullName)!);
        List<BookedRequest> booked = [];
        foreach (var decision in decisions)
        {
            var id = IdOf(decision.GetProperty("request_id").GetString()!);
            booked.Add(new BookedRequest(decision, await ledger.ReadEntriesAsync(id, Guard)));
        }

        return booked;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        AssertDecisionsReplay();
        _data.Delete(recursive: true);
        Assert.True(Faults.All.Count == 0, string.Join("\n", Faults.All));
    }

    public static bool NothingInFlight(JsonElement fleet) =>
        fleet.GetProperty("pools").EnumerateArray().All(p => p.GetProperty("in_flight").GetInt64() == 0)
        && Replicas(fleet).All(r => r.GetProperty("in_flight").GetInt64() == 0
            && r.GetProperty("prefill_tokens").GetInt64() == 0
            && r.GetProperty("decode_tokens").GetInt64() == 0
            && r.GetProperty("cache").GetProperty("held_by_requests").GetInt64() == 0);

    public static IEnumerable<JsonElement> Replicas(JsonElement fleet) => fleet.GetProperty("pools").EnumerateArray()
        .SelectMany(p => p.GetProperty("replicas").EnumerateArray());

    private static bool AllRecognised(JsonElement fleet) => Replicas(fleet).All(r =>
        r.GetProperty("engine").ValueKind == JsonValueKind.String && r.GetProperty("health").GetString() != "unknown");

    /// <summary>Whatever a test did to the gateway, its decisions come out the same again.</summary>
    private void AssertDecisionsReplay()
    {
        var logs = Directory.GetFiles(Decisions);
        Assert.NotEmpty(logs);
        foreach (var log in logs)
        {
            var replayed = PoolReplay.Run(File.ReadAllBytes(log));
            Assert.Null(replayed.Difference);
            Assert.Equal((false, false), (replayed.IsTorn, replayed.IsDamaged));
        }
    }

    private async Task StopAsync()
    {
        if (!_stopped)
        {
            _stopped = true;
            Client.Dispose();
            _admin.Dispose();
            await _host.DisposeAsync();
        }
    }

    /// <summary>The id in the ledger behind an id that clients see.</summary>
    private static Guid IdOf(string requestId)
    {
        const string letters = "0123456789abcdefghjkmnpqrstvwxyz";
        var value = requestId["req_".Length..].Aggregate(
            UInt128.Zero, (sum, letter) => (sum << 5) | (UInt128)letters.IndexOf(letter));
        return Guid.ParseExact(value.ToString("x32", CultureInfo.InvariantCulture), "N");
    }
}

/// <summary>One request as decided and as booked.</summary>
internal sealed record BookedRequest(JsonElement Decision, IReadOnlyList<LedgerEntry> Entries)
{
    public string Outcome => Decision.GetProperty("outcome").GetString()!;

    /// <summary>What became of each attempt, by the decision record: replica and outcome.</summary>
    public IReadOnlyList<string> Story =>
    [
        .. Decision.GetProperty("attempts").EnumerateArray()
            .Select(a => $"{a.GetProperty("replica").GetString()} {a.GetProperty("outcome").GetString()}"),
    ];

    /// <summary>What became of each attempt, by the ledger.</summary>
    public IReadOnlyList<string> Booked =>
        [.. Entries.Select(e => $"{e.Admission.Replica} {AttemptOutcomes.NameOf(e.Settlement!.Value.Outcome)}")];
}

/// <summary>A whole answer.</summary>
internal sealed record Answer(int Status, byte[] Body, HttpResponseHeaders Headers, string? ContentType)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public static async Task<Answer> ReadAsync(HttpResponseMessage response) => new(
        (int)response.StatusCode,
        await response.Content.ReadAsByteArrayAsync(RunningGateway.Guard),
        response.Headers,
        response.Content.Headers.ContentType?.ToString());

    public string? Header(string name) => Headers.TryGetValues(name, out var values) ? values.Single() : null;

    public JsonElement Json()
    {
        using var document = JsonDocument.Parse(Body);
        return document.RootElement.Clone();
    }

    /// <summary>The type of the error, in either dialect.</summary>
    public string ErrorType => Json().GetProperty("error").GetProperty("type").GetString()!;
}
