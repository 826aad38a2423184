using System.Diagnostics;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading.Channels;
using Penstock.Gateway.Tests.Clients;

namespace Penstock.Gateway.Tests.Serving;

/// <summary>
/// A <c>penstock serve</c> whose every word is listened to: standard output and standard error apart, line by line.
/// It takes free ports, and says which in its banner.
/// </summary>
internal sealed partial class ServeProcess : IAsyncDisposable
{
    public const int Interrupt = 2;
    public const int Terminate = 15;

    private static readonly TimeSpan s_endsWithin = TimeSpan.FromMinutes(1);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly Task _reading;

    private ServeProcess(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(
                ReadAsync(process.StandardOutput, _output), ReadAsync(process.StandardError, _errors))
            .ContinueWith(_ => _lines.Writer.TryComplete(), TaskScheduler.Default);
    }

    public HttpClient Client { get; } = new();

    public HttpClient Admin { get; } = new();

    public string Key { get; private set; } = "";

    public string Output => Text(_output);

    public string Errors => Text(_errors);

    /// <summary>From the start of the process to its banner.</summary>
    public TimeSpan StartedIn { get; private set; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts one and waits until it has printed where it serves.</summary>
    public static async Task<ServeProcess> StartAsync(string folder, params string[] arguments)
    {
        var began = Stopwatch.GetTimestamp();
        var serve = Launch(folder, ["serve", "--port", "0", "--admin-port", "0", .. arguments]);
        try
        {
            var line = await serve.WhenSaidAsync("Penstock is serving at");
            serve.StartedIn = Stopwatch.GetElapsedTime(began);
            var urls = Banner().Match(line);
            serve.Client.BaseAddress = new Uri(urls.Groups[1].Value);
            serve.Admin.BaseAddress = new Uri(urls.Groups[2].Value);
            var key = Path.Combine(folder, ".penstock", "key");
            serve.Use(File.Exists(key) ? (await File.ReadAllTextAsync(key, Cancellation)).Trim() : "");
            return serve;
        }
        catch
        {
            await serve.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the program as it is, or by the script <paramref name="program"/>.</summary>
    public static ServeProcess Launch(string folder, string[] arguments, string? program = null)
    {
        var start = program is null
            ? new ProcessStartInfo("dotnet", [Repository.Program, .. arguments])
            : new ProcessStartInfo(program, arguments);
        start.WorkingDirectory = folder;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        return new ServeProcess(Process.Start(start)!);
    }

    /// <summary>Runs it to its end, which is expected to come soon.</summary>
    public static async Task<CommandResult> RunAsync(string folder, params string[] arguments)
    {
        await using var serve = Launch(folder, arguments);
        return new(await serve.EndAsync(), serve.Output, serve.Errors);
    }

    /// <summary>Requests carry this key from now on.</summary>
    public void Use(string key)
    {
        Key = key;
        foreach (var http in new[] { Client, Admin })
        {
            http.DefaultRequestHeaders.Remove("x-api-key");
            http.DefaultRequestHeaders.Add("x-api-key", key);
        }
    }

    /// <summary>The next line with that text, on either of its outputs. Lines before it are passed over.</summary>
    public async Task<string> WhenSaidAsync(string text)
    {
        await foreach (var line in _lines.Reader.ReadAllAsync(Cancellation))
        {
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return line;
            }
        }

        Assert.Fail($"it ended without saying '{text}'\n{Output}\n{Errors}");
        return "";
    }

    public void Signal(int signal) => Assert.Equal(0, SendSignal(_process.Id, signal));

    /// <summary>Waits for the end, and for all that was said; returns the exit code.</summary>
    public async Task<int> EndAsync()
    {
        try
        {
            await _process.WaitForExitAsync(Cancellation).WaitAsync(s_endsWithin, Cancellation);
            await _reading.WaitAsync(s_endsWithin, Cancellation);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"still running\n{Output}\n{Errors}");
        }

        return _process.ExitCode;
    }

    /// <summary>Sends a body as JSON and reads the head of the answer.</summary>
    public Task<HttpResponseMessage> PostAsync(string path, string body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        };
        return Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    public async Task<JsonElement> AdminAsync(string path) =>
        JsonDocument.Parse(await Admin.GetStringAsync(path, Cancellation)).RootElement;

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        Client.Dispose();
        Admin.Dispose();
        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader from, StringBuilder into)
    {
        while (await from.ReadLineAsync(CancellationToken.None) is { } line)
        {
            lock (into)
            {
                into.Append(line).Append('\n');
            }

            _lines.Writer.TryWrite(line);
        }
    }

    private static string Text(StringBuilder lines)
    {
        lock (lines)
        {
            return lines.ToString();
        }
    }

    [GeneratedRegex(@"serving at (http://\S+) \(admin: (http://[^)\s]+)\)")]
    private static partial Regex Banner();

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int process, int signal);
}
