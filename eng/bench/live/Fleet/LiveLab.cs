using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Penstock.Bench.Processes;
using Penstock.LiveBench.Report;

namespace Penstock.LiveBench.Fleet;

/// <summary>
/// Starts the three processes of a run on free loopback ports (engines, gateway, clients), waits for the result, and
/// ends what it started, each by its own process id. Thread-safe: runs may overlap, and a signal may end them all.
/// </summary>
internal sealed class LiveLab(string folder, string root, string trace) : IDisposable
{
    private const int PollMilliseconds = 50;
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan EndPatience = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private readonly List<ChildProcess> _children = [];
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });
    private int _count;
    private bool _ended;

    /// <summary>Everything has been told to end; what fails from now on fails because of that.</summary>
    public bool Ended => _ended;

    public async Task<RunResult> RunAsync(LiveSettings settings, string policy, ulong seed)
    {
        var name = $"{policy}-{seed}-{Interlocked.Increment(ref _count)}";
        var ports = FreePorts(settings.Replicas + 2);
        var (port, admin, engines) = (ports[0], ports[1], ports[2..]);
        var children = new List<ChildProcess>();
        try
        {
            var fleet = StartOwn(name, "engines", JsonSerializer.Serialize(new EnginesPlan(settings, engines)));
            children.Add(fleet);
            await UntilAsync(fleet, StartPatience, () => IsOkAsync(engines[^1], "/health"));
            var data = Path.Combine(folder, name);
            var document = Path.Combine(folder, $"{name}.yaml");
            File.WriteAllText(document, GatewayDocument.Write(policy, data, port, admin, engines));
            var gateway = Start($"{name}-gateway", Path.Combine(root, "penstock"), "serve", "--config", document);
            children.Add(gateway);
            await UntilAsync(gateway, StartPatience, () => IsOkAsync(admin, "/readyz"));
            var plan = new PlayPlan
            {
                Settings = settings,
                Policy = policy,
                Seed = seed,
                Trace = trace,
                Gateway = At(port),
                GatewayAdmin = At(admin),
                Key = File.ReadAllText(Path.Combine(data, "key")).Trim(),
                Engines = [.. engines.Select(At)],
                GatewayPid = gateway.Pid,
                EnginesPid = fleet.Pid,
                ResultFile = Path.Combine(folder, $"{name}.json"),
            };
            var clients = StartOwn(name, "play", JsonSerializer.Serialize(plan));
            children.Add(clients);
            return await ResultAsync(clients, plan);
        }
        finally
        {
            foreach (var child in children)
            {
                Stop(child);
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _ended = true;
            foreach (var child in _children)
            {
                child.Dispose();
            }

            _children.Clear();
        }
    }

    private static async Task<RunResult> ResultAsync(ChildProcess clients, PlayPlan plan)
    {
        var length = (plan.Settings.WarmUpMinutes + plan.Settings.Minutes) / plan.Settings.TimeScale;
        await UntilAsync(
            clients, TimeSpan.FromMinutes(length) + EndPatience, () => Task.FromResult(File.Exists(plan.ResultFile)));
        return JsonSerializer.Deserialize<RunResult>(File.ReadAllText(plan.ResultFile), ResultFile.Json)!;
    }

    private ChildProcess StartOwn(string name, string role, string plan) =>
        Start($"{name}-{role}", Environment.ProcessPath!, role, plan);

    private ChildProcess Start(string name, string command, params IEnumerable<string> arguments)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            var child = ChildProcess.Start(Path.Combine(folder, $"{name}.log"), command, arguments);
            _children.Add(child);
            return child;
        }
    }

    private void Stop(ChildProcess child)
    {
        lock (_lock)
        {
            if (_children.Remove(child))
            {
                child.Dispose();
            }
        }
    }

    private static async Task UntilAsync(ChildProcess process, TimeSpan patience, Func<Task<bool>> ready)
    {
        var waited = TimeSpan.Zero;
        while (!await ready())
        {
            if (process.Exited || waited > patience)
            {
                throw new BenchFailure($"a process did not do its part; see {process.LogFile}");
            }

            await Task.Delay(PollMilliseconds);
            waited += TimeSpan.FromMilliseconds(PollMilliseconds);
        }
    }

    private async Task<bool> IsOkAsync(int port, string path)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri(At(port), path));
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static Uri At(int port) => new($"http://127.0.0.1:{port}");

    /// <summary>All held until all are known, so that no two are the same.</summary>
    private static int[] FreePorts(int count)
    {
        var sockets = Enumerable.Range(0, count)
            .Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToList();
        foreach (var socket in sockets)
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        }

        var ports = sockets.Select(socket => ((IPEndPoint)socket.LocalEndPoint!).Port).ToArray();
        sockets.ForEach(socket => socket.Dispose());
        return ports;
    }
}
