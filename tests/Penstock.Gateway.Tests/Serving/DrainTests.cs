using System.Net;
using Penstock.Gateway.Tests.Clients;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;
using ScriptedEngine = Penstock.Tests.Shared.ScriptedEngine;

namespace Penstock.Gateway.Tests.Serving;

/// <summary>How <c>penstock serve</c> ends when it is asked to.</summary>
public sealed class DrainTests : IAsyncDisposable
{
    private const string Path = "/v1/messages";

    private const string Stream =
        """{"model":"test-model","max_tokens":16,"stream":true,"messages":[{"role":"user","content":"hi"}]}""";

    private readonly TemporaryFolder _folder = new();
    private readonly ScriptedEngine _engine = Personality.Vllm.Start();
    private readonly Gate _gate = new();

    public DrainTests()
    {
        string[] events = [.. CannedAnswers.MessageEvents(new EngineFacts())];
        var script = Script.EventsHead().SendChunk(events[0]).Pass(_gate);
        script = events.Skip(1).Aggregate(script, (s, e) => s.SendChunk(e)).SendLastChunk();
        _engine.On(
            $"POST {Path}",
            request => request.BodyText.Contains("\"stream\"", StringComparison.Ordinal)
                ? script
                : Script.Reply(400, """{"error":{"message":"no body","type":"BadRequestError","code":400}}"""));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(ServeProcess.Terminate)]
    [InlineData(ServeProcess.Interrupt)]
    public async Task A_stream_under_way_is_finished_and_nothing_new_is_begun(int signal)
    {
        await using var serve = await StartAsync();
        using var stream = await serve.PostAsync(Path, Stream);
        await _gate.Reached.WaitAsync(Cancellation);

        serve.Signal(signal);
        await serve.WhenSaidAsync("draining");
        using var refused = await serve.PostAsync(Path, Stream);
        Assert.Equal(529, (int)refused.StatusCode);
        using var ready = await serve.Admin.GetAsync("/readyz", Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);

        _gate.Open();
        var text = await stream.Content.ReadAsStringAsync(Cancellation);
        Assert.Contains("message_stop", text, StringComparison.Ordinal);
        Assert.Equal(0, await serve.EndAsync());
        Assert.Contains("penstock: stopped\n", serve.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_signal_ends_it_at_once_and_the_stream_with_it()
    {
        await using var serve = await StartAsync();
        using var stream = await serve.PostAsync(Path, Stream);
        await _gate.Reached.WaitAsync(Cancellation);

        serve.Signal(ServeProcess.Terminate);
        await serve.WhenSaidAsync("draining");
        serve.Signal(ServeProcess.Terminate);

        Assert.Equal(0, await serve.EndAsync());
        Assert.Contains("stopped before every request had ended", serve.Errors, StringComparison.Ordinal);
        await _engine.WhenNoConnectionIsOpenAsync(Cancellation);
        var rest = await Record.ExceptionAsync(() => stream.Content.ReadAsStringAsync(Cancellation));
        Assert.NotNull(rest);
    }

    [Fact]
    public async Task The_run_script_passes_signals_on_when_called_by_a_link_from_another_folder()
    {
        File.CreateSymbolicLink(_folder.File("gateway"), System.IO.Path.Combine(Repository.Root, "penstock"));
        await using var serve = ServeProcess.Launch(
            _folder.Path, ["serve", "--port", "0", "--admin-port", "0"], _folder.File("gateway"));
        await serve.WhenSaidAsync("Ctrl-C drains and stops");
        serve.Signal(ServeProcess.Terminate);
        Assert.Equal(0, await serve.EndAsync());
        Assert.True(File.Exists(_folder.File(".penstock/key")));
    }

    private Task<ServeProcess> StartAsync() =>
        ServeProcess.StartAsync(_folder.Path, "--engine", $"{_engine.Url}");
}
