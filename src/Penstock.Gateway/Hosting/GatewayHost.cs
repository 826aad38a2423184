using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Penstock.Core.Config;
using Penstock.Gateway.Api;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Cluster;
using Penstock.Gateway.Cluster.Outgoing;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Observability;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Recording;
using Penstock.Gateway.Requests;
using Penstock.Gateway.Requests.Relaying;
using Penstock.Gateway.Storage;

namespace Penstock.Gateway.Hosting;

/// <summary>
/// One running gateway: the ledger brought up to date, the fleet watched, the clients' port and the operators' port
/// open. Stops in the reverse order, after a drain.
/// </summary>
public sealed class GatewayHost : IAsyncDisposable
{
    private readonly TimeProvider _time;
    private readonly FleetSource _source;
    private readonly FleetRuntime _fleet;
    private readonly RequestFlow _flow;
    private readonly LedgerRoom _ledger;
    private readonly ClusterRoom? _cluster;
    private readonly TelemetryRoom _telemetry;
    private readonly DecisionFiles? _recordings;
    private readonly ITimer _sweep;
    private readonly Listeners _listeners;

    private GatewayHost(ObservedRooms rooms, TelemetryRoom telemetry, Listeners listeners, TimeProvider time)
    {
        _source = rooms.Config;
        _fleet = rooms.Fleet;
        _flow = rooms.Flow;
        _ledger = rooms.Ledger;
        _recordings = rooms.Recordings;
        _cluster = rooms.Cluster;
        _telemetry = telemetry;
        _listeners = listeners;
        _time = time;
        _sweep = time.CreateTimer(_ => _flow.Sweep(), null, Watchdog.Interval, Watchdog.Interval);
        _source.Changed += _fleet.Apply;
        _source.Changed += ListPeers;
        _fleet.Changed += RetellPeers;

        // The others may have spoken before.
        RetellPeers();
    }

    /// <summary>Where clients reach it.</summary>
    public Uri Url => _listeners.DataUrl;

    /// <summary>Where operators reach it.</summary>
    public Uri AdminUrl => _listeners.AdminUrl;

    /// <summary>What the ledger took over from earlier processes.</summary>
    public long Recovered => _ledger.Recovered;

    /// <summary>Starts a gateway; it takes requests when the task is done.</summary>
    /// <exception cref="IOException">A port is taken, or the data folder cannot be used.</exception>
    public static async Task<GatewayHost> StartAsync(
        GatewayOptions options, FleetSource source, TimeProvider time, ILoggerFactory logs, CancellationToken stop)
    {
        var ledger = await LedgerRoom.OpenAsync(options.Data, source, time, logs, stop);
        var seed = (ulong)RandomNumberGenerator.GetInt32(int.MaxValue);
        var recordings = OpenRecordings(options.Data, source.Document.DecisionLog, time, logs);
        var outbox = source.Current.Cluster is null ? null : new PeerOutbox(logs.CreateLogger<PeerOutbox>());
        var outlets = new PoolOutlets(recordings, outbox);
        var fleet = new FleetRuntime(
            source.Current, time, seed, outlets, ScopeSeedOf(source.Current.Cluster),
            logs.CreateLogger<FleetRuntime>());
        var decisions = new DecisionLog((uint)time.GetUtcNow().ToUnixTimeSeconds());
        var telemetry = new TelemetryRoom(options.RequestLog, options.OtlpEndpoint, time);
        var flow = MakeFlow(source.Current, ledger, fleet, decisions, telemetry.Requests, time, logs);
        ClusterRoom? cluster = null;
        try
        {
            var news = new PeerNews(() => fleet.Current);
            cluster = await JoinAsync(source.Current.Cluster, outbox, news, time, logs, stop);
            var rooms = new ObservedRooms(flow, fleet, ledger, decisions, source, cluster) { Recordings = recordings };
            telemetry.Observe(rooms);
            var admin = new AdminPort(rooms, telemetry.Page);
            var listeners = await Listeners.OpenAsync(options, new DataPort(flow, fleet), admin, stop);
            return new GatewayHost(rooms, telemetry, listeners, time);
        }
        catch
        {
            telemetry.Dispose();
            await LeaveAsync(cluster);
            await fleet.DisposeAsync();
            await CloseAsync(recordings);
            await ledger.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until at least one replica can take requests; false where that takes too long.</summary>
    public async Task<bool> WaitUntilReadyAsync(TimeSpan patience, CancellationToken stop)
    {
        var started = _time.GetTimestamp();
        while (!_fleet.IsRoutable)
        {
            if (_time.GetElapsedTime(started) > patience)
            {
                return false;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), _time, stop);
        }

        return true;
    }

    /// <summary>Takes no new requests and waits for those under way, as long as allowed. True: all ended.</summary>
    public async Task<bool> DrainAsync(TimeSpan patience, CancellationToken cut)
    {
        _flow.Draining = true;
        var started = _time.GetTimestamp();
        while (_flow.InFlight > 0 && _time.GetElapsedTime(started) < patience
            && !cut.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), _time, CancellationToken.None);
        }

        return _flow.InFlight == 0;
    }

    public async ValueTask DisposeAsync()
    {
        _source.Changed -= _fleet.Apply;
        _source.Changed -= ListPeers;
        _fleet.Changed -= RetellPeers;
        _flow.Draining = true;
        await _listeners.DisposeAsync();
        await _sweep.DisposeAsync();
        _flow.Prompts.Dispose();
        _telemetry.Dispose();
        await LeaveAsync(_cluster);
        await _fleet.DisposeAsync();
        await CloseAsync(_recordings);
        await _ledger.DisposeAsync();
    }

    private static DecisionFiles? OpenRecordings(
        string data, DecisionLogConfig settings, TimeProvider time, ILoggerFactory logs) =>
        settings.Enabled
            ? new DecisionFiles(
                new LogFolder(Path.Combine(data, "decisions"), settings.MaxSize.Bytes), time,
                logs.CreateLogger<DecisionFiles>())
            : null;

    private static ValueTask CloseAsync(DecisionFiles? recordings) => recordings?.DisposeAsync() ?? default;

    private void RetellPeers() => _cluster?.Views.Retell();

    private void ListPeers(FleetSnapshot snapshot) => _cluster?.List(snapshot.Cluster?.Peers ?? []);

    private static async Task<ClusterRoom?> JoinAsync(
        ClusterSnapshot? settings, PeerOutbox? outbox, IPeerSink sink, TimeProvider time, ILoggerFactory logs,
        CancellationToken stop)
    {
        if (settings is null || outbox is null)
        {
            return null;
        }

        var store = settings.Database is { } database
            ? new PostgresMembers(PostgresAddress.ConnectionString(database, settings.DatabasePassword))
            : null;
        return await ClusterRoom.OpenAsync(
            settings, outbox, sink, store, time, logs.CreateLogger<ClusterRoom>(), stop);
    }

    private static ValueTask LeaveAsync(ClusterRoom? cluster) => cluster?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static RequestFlow MakeFlow(
        FleetSnapshot snapshot, LedgerRoom ledger, FleetRuntime fleet, DecisionLog decisions,
        RequestTelemetry telemetry, TimeProvider time, ILoggerFactory logs)
    {
        var settlement = new Settlement(ledger.Journal, time);
        var relays = new Relays(
            new StreamRelay(settlement, time), new AnswerRelay(settlement, time), new RefusalRelay(settlement, time));
        var parts = new FlowParts
        {
            Time = time,
            JsonDepthMax = snapshot.Limits.JsonDepthMax,
            ScopeSeed = fleet.Secret,
            Prompts = new TokenPrompts(new PromptTokenizer(fleet.Secret, time), snapshot.Limits.JsonDepthMax),
            Retries = new RetryBudget(),
            Dispatch = new Dispatch(new Routing(decisions, time), settlement, relays, time),
            Settlement = settlement,
            Telemetry = telemetry,
        };
        return new RequestFlow(parts, fleet, logs.CreateLogger<RequestFlow>());
    }

    /// <summary>Gateways of a cluster name blocks alike; nobody else can.</summary>
    private static ulong ScopeSeedOf(ClusterSnapshot? cluster) => BitConverter.ToUInt64(
        cluster is null
            ? RandomNumberGenerator.GetBytes(sizeof(ulong))
            : SHA256.HashData(Encoding.UTF8.GetBytes($"prefix scope {cluster.Secret}")));
}
