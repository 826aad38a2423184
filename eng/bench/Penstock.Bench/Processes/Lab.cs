using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Penstock.Bench.Wire;

namespace Penstock.Bench.Processes;

/// <summary>Starts upstreams and gateways on free loopback ports, and ends whatever it started.</summary>
/// <remarks>Thread-safe in <see cref="Dispose"/> alone, so that a signal handler can call it.</remarks>
internal sealed class Lab(string folder, string root, string gatewayCommand) : IDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan BuildPatience = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly List<ChildProcess> _children = [];
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });
    private readonly ManualResetEventSlim _never = new();
    private int _count;
    private bool _ended;
    private Process? _tool;

    /// <summary>A file of the run's own folder.</summary>
    public string FileFor(string name) => Path.Combine(folder, name);

    /// <summary>nginx that answers with a constant: the upstream of everything that is not a stream.</summary>
    public Target StartConstantUpstream()
    {
        var port = FreePort();
        var upstream = new Target(Target.Direct, port, StartNginx("upstream", NginxConfig.Constant(port)), "none");
        WaitUntil(upstream.Process!, StartPatience, () => IsOk(port, "/health"));
        return upstream;
    }

    /// <summary>The paced upstream: everything that is a stream.</summary>
    public Target StartPacedUpstream()
    {
        var port = FreePort();
        var process = Start("paced", Environment.ProcessPath!, "upstream", $"{port}");
        WaitUntil(process, StartPatience, () => IsOk(port, "/health"));
        return new Target(Target.Direct, port, process, "none");
    }

    /// <summary>So many engines in one process, on 127.0.0.1 to 127.0.0.N, each with the metrics page of a large one.
    /// </summary>
    public Target StartFleet(int engines)
    {
        var port = FreePort();
        var process = Start("fleet", Environment.ProcessPath!, "fleet", $"{port}", $"{engines}");
        WaitUntil(process, StartPatience, () => IsOk(port, "/health"));
        return new Target(Target.Direct, port, process, "none");
    }

    /// <summary>A simulated vLLM that publishes cache events and has none to tell; the port is the publisher's.
    /// </summary>
    public Target StartPublisher()
    {
        var (port, events) = (FreePort(), FreePort());
        var process = Start(
            "publisher", Path.Combine(root, "penstock"), "engine", "--port", $"{port}", "--kv-events", "vllm-array",
            "--kv-events-endpoint", $"tcp://127.0.0.1:{events}");
        WaitUntil(process, BuildPatience, () => IsOk(port, "/health"));
        return new Target(Target.Direct, events, process, "none");
    }

    /// <summary>Penstock with all engines of a fleet in one pool, for each of which it listens to a publisher.
    /// </summary>
    public Target StartPenstockBefore(Target fleet, Target publisher, int engines)
    {
        var document = FileFor("fleet.yaml");
        var urls = Enumerable.Range(1, engines).Select(i => $"      - http://127.0.0.{i}:{fleet.Port}\n");
        File.WriteAllText(document, $"""
            models:
              - id: {Answers.Model}
            default_model: {Answers.Model}
            pools:
              - name: fleet
                model: {Answers.Model}
                provider: own
                region: local
                kv_events:
                  endpoint: tcp://127.0.0.1:{publisher.Port}
                replicas:

            """ + string.Concat(urls));
        return StartPenstock("--config " + document, fleet);
    }

    public Target StartGateway(string name, Target upstream)
    {
        var target = name switch
        {
            Target.Nginx => StartNginxProxy(upstream),
            Target.Yarp => StartYarp(upstream),
            Target.Penstock => StartPenstock("--engine {engine}", upstream),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such gateway"),
        };
        WaitUntil(target.Process!, StartPatience, () => Answers200(target));
        return target;
    }

    /// <summary>Everything has been told to end; what fails from now on fails because of that.</summary>
    public bool Ended => _ended;

    public void Stop(Target target)
    {
        lock (_lock)
        {
            _children.Remove(target.Process!);
            target.Process!.Dispose();
        }
    }

    /// <summary>Runs a load tool to its end and returns what it printed.</summary>
    public string RunTool(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        using var process = Process.Start(start)!;
        lock (_lock)
            _tool = process;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        lock (_lock)
            _tool = null;
        return output;
    }

    /// <summary>
    /// Lets what trails behind an answer (batched writes, closed sockets) happen within the measurement.
    /// </summary>
    public void Settle(TimeSpan time) => _never.Wait(time);

    public void Dispose()
    {
        lock (_lock)
        {
            _ended = true;
            _tool?.Kill();
            _tool = null;
            for (var i = _children.Count - 1; i >= 0; i--)
                _children[i].Dispose();
            _children.Clear();
        }
    }

    private Target StartNginxProxy(Target upstream)
    {
        var port = FreePort();
        return new Target(Target.Nginx, port, StartNginx("nginx", NginxConfig.Proxy(port, upstream.Port)), "none");
    }

    private Target StartYarp(Target upstream)
    {
        var port = FreePort();
        var bin = Path.Combine(root, "artifacts/bin/Penstock.Bench.Yarp/release/Penstock.Bench.Yarp");
        var process = Start("yarp", bin, $"http://127.0.0.1:{port}", $"http://127.0.0.1:{upstream.Port}/");
        return new Target(Target.Yarp, port, process, "none");
    }

    private Target StartPenstock(string engines, Target upstream)
    {
        var (port, admin) = (FreePort(), FreePort());
        var data = FileFor($"penstock-data-{_count}");
        var command = gatewayCommand
            .Replace("{port}", $"{port}", StringComparison.Ordinal)
            .Replace("{admin}", $"{admin}", StringComparison.Ordinal)
            .Replace("{data}", data, StringComparison.Ordinal)
            .Replace("--engine {engine}", engines, StringComparison.Ordinal)
            .Replace("{engine}", $"http://127.0.0.1:{upstream.Port}", StringComparison.Ordinal);
        var process = Start("penstock", "/bin/sh", "-c", $"exec {command}");
        WaitUntil(process, BuildPatience, () => IsOk(admin, "/readyz"));
        return new Target(Target.Penstock, port, process, File.ReadAllText(Path.Combine(data, "key")).Trim());
    }

    private ChildProcess StartNginx(string name, string config)
    {
        var prefix = Directory.CreateDirectory(FileFor($"{name}-{_count}")).FullName;
        File.WriteAllText(Path.Combine(prefix, "nginx.conf"), config);
        return Start(name, "nginx", "-p", prefix + "/", "-c", "nginx.conf", "-e", "error.log");
    }

    private ChildProcess Start(string name, string command, params IEnumerable<string> arguments)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            var child = ChildProcess.Start(FileFor($"{name}-{_count++}.log"), command, arguments);
            _children.Add(child);
            return child;
        }
    }

    private void WaitUntil(ChildProcess process, TimeSpan patience, Func<bool> ready)
    {
        for (var waited = TimeSpan.Zero; !ready(); waited += TimeSpan.FromMilliseconds(50))
        {
            if (process.Exited || waited > patience)
                throw new BenchFailure($"a server did not start; see {process.LogFile}:\n{Tail(process.LogFile)}");
            Settle(TimeSpan.FromMilliseconds(50));
        }
    }

    private bool IsOk(int port, string path) =>
        Ask(new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{port}{path}")) is { Status: HttpStatusCode.OK };

    private bool Answers200(Target target)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{target.Port}/v1/messages")
        {
            Content = new ByteArrayContent(RequestBodies.Small),
        };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add("x-api-key", target.Key);
        request.Headers.Add("anthropic-version", "2023-06-01");
        return Ask(request) switch
        {
            null => false,
            { Status: HttpStatusCode.OK } answer when answer.Body == Answers.Messages => true,
            { } answer => throw new BenchFailure($"{target.Name} answered {(int)answer.Status}: {answer.Body}"),
        };
    }

    private (HttpStatusCode Status, string Body)? Ask(HttpRequestMessage request)
    {
        try
        {
            using (request)
            {
                using var response = _http.Send(request);
                using var reader = new StreamReader(response.Content.ReadAsStream(), Encoding.UTF8);
                return (response.StatusCode, reader.ReadToEnd());
            }
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static string Tail(string file) =>
        File.Exists(file) ? string.Join('\n', File.ReadLines(file).TakeLast(20)) : "(no log)";

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
