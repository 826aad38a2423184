using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>
/// A real <c>penstock serve</c> in a process of its own, on free ports of 127.0.0.1 and with a data folder of its own.
/// It is known by its command line alone: options, <c>/readyz</c> on the admin port, the key in <c>DATA/key</c>,
/// exit 0 after SIGTERM.
/// </summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_readyWithin = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_drainedWithin = TimeSpan.FromMinutes(1);

    private readonly string[] _arguments;
    private readonly StringBuilder _output = new();
    private readonly TemporaryFolder _data = new();
    private Process? _process;

    private GatewayProcess(string[] arguments)
    {
        _arguments = arguments;
        Url = new($"http://127.0.0.1:{LastingPort.Next()}");
        AdminUrl = new($"http://127.0.0.1:{LastingPort.Next()}");
    }

    public Uri Url { get; }

    public Uri AdminUrl { get; }

    public string DataFolder => _data.Path;

    /// <summary>The generated API key.</summary>
    public string Key { get; private set; } = "";

    public int ProcessId => _process!.Id;

    /// <summary>Everything printed so far, over all starts.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <param name="arguments">Further options of <c>serve</c>, such as <c>--engine URL</c>.</param>
    public static async Task<GatewayProcess> Start(params string[] arguments)
    {
        var gateway = new GatewayProcess(arguments);
        try
        {
            await gateway.Start();
            return gateway;
        }
        catch
        {
            await gateway.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it again on the same ports and data, after <see cref="Stop"/> or <see cref="Kill"/>.</summary>
    public async Task Start()
    {
        Launch();
        await WaitUntilReady();
        Key = (await File.ReadAllTextAsync(_data.File("key"), TestContext.Current.CancellationToken)).Trim();
    }

    /// <summary>Starts it again and waits for nothing.</summary>
    public void Launch()
    {
        _process?.Dispose();
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = DataFolder,
        };
        string[] all =
        [
            Repository.Program, "serve", "--port", $"{Url.Port}", "--admin-port", $"{AdminUrl.Port}",
            "--data", DataFolder, .. _arguments,
        ];
        foreach (var argument in all)
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Asks it to end, as Ctrl-C or an orchestrator would, and holds it to exit 0 after a drain.</summary>
    public async Task Stop()
    {
        Assert.Equal(0, SendSignal(ProcessId, 15));
        using var late = new CancellationTokenSource(s_drainedWithin);
        try
        {
            await _process!.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"still running {s_drainedWithin} after SIGTERM\n{Output}");
        }

        Assert.True(_process!.ExitCode == 0, $"exit {_process.ExitCode} after SIGTERM\n{Output}");
    }

    /// <summary>Ends it as <c>kill -9</c> does, at once and without a word.</summary>
    public async Task Kill()
    {
        KillNow();
        await _process!.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>Sends the signal, and does not wait for the end.</summary>
    public void KillNow() => _process!.Kill();

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            await Kill();
        }

        _process?.Dispose();
        _data.Dispose();
    }

    private async Task WaitUntilReady()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        late.CancelAfter(s_readyWithin);
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await IsReady(http))
        {
            Assert.False(_process!.HasExited, $"it ended before it was ready\n{Output}");
            try
            {
                await pause.WaitForNextTickAsync(late.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"not ready within {s_readyWithin}\n{Output}");
            }
        }
    }

    private async Task<bool> IsReady(HttpClient http)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(AdminUrl, "/readyz"), TestContext.Current.CancellationToken);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private void Append(string? line)
    {
        if (line is not null)
        {
            lock (_output)
            {
                _output.AppendLine(line);
            }
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    internal static extern int SendSignal(int process, int signal);
}
