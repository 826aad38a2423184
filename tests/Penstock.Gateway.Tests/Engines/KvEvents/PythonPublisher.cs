using System.Diagnostics;
using System.Text.Json;
using Penstock.Gateway.Tests.Clients;

namespace Penstock.Gateway.Tests.Engines.KvEvents;

/// <summary>A publisher made by libzmq: <c>publisher.py</c> as a child process. Skips the test where it cannot be had.
/// </summary>
internal sealed class PythonPublisher : IAsyncDisposable
{
    private const int Unavailable = 77;

    private static readonly Lazy<Task<CommandResult>> s_python =
        new(() => Command.Run(Path.Combine(Repository.Root, "eng", "components", "python-zmq")));

    private readonly Process _process;

    private PythonPublisher(Process process) => _process = process;

    public static async Task<PythonPublisher> StartAsync()
    {
        var python = await s_python.Value;
        Assert.SkipWhen(python.ExitCode == Unavailable, python.Errors.Trim());
        Assert.True(python.ExitCode == 0, python.Errors);
        var script = Path.Combine(
            Repository.Root, "tests", "Penstock.Gateway.Tests", "Engines", "KvEvents", "publisher.py");
        return new PythonPublisher(Process.Start(new ProcessStartInfo(python.Output.Trim(), [script])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!);
    }

    /// <summary>Has the publisher do one thing and waits until it is done.</summary>
    public async Task<JsonElement> Do(object command)
    {
        await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(command));
        await _process.StandardInput.FlushAsync(Wires.Guard);
        var answer = await _process.StandardOutput.ReadLineAsync(Wires.Guard);
        Assert.True(answer is not null, "the publisher ended");
        return JsonDocument.Parse(answer).RootElement;
    }

    /// <summary>Publishes a batch that stores one block, as vLLM's arrays.</summary>
    public Task Send(ulong number, int hash, bool lost = false) =>
        Do(new { @do = "send", seq = number, batch = Batch(hash), lost });

    /// <summary>A batch that stores one block. Its time is the hash, so that no two processes publish the same.
    /// </summary>
    public static object[] Batch(int hash, int? rank = null) =>
        [
            hash + 0.5,
            new object?[] { new object?[] { "BlockStored", new[] { hash }, null, new[] { 7, 8 }, 2, null, "GPU" } },
            rank!,
        ];

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }
}
