using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Core.Prefixes;
using Penstock.Core.Routing;
using Penstock.Engines;
using Penstock.Engines.Probing;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Tests.Cluster;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>Engines that are slow to tell a prompt's tokens, and requests that want the same ones.</summary>
public sealed class PromptTokenizerTests : IAsyncDisposable
{
    private const string Route = "POST /tokenize";

    private static readonly Script s_tokens =
        Script.Reply(200, $$"""{"tokens":[{{string.Join(',', Enumerable.Range(1, 64))}}]}""");

    private readonly ManualClock _clock = new();
    private readonly ScriptedEngine _engine = Personality.Vllm.Start();
    private readonly EngineClient _probes;
    private readonly Replica _replica;
    private readonly Pool _pool;
    private readonly PromptTokenizer _tokenizer;
    private Script _answer = s_tokens;

    public PromptTokenizerTests()
    {
        var usual = _engine.AnswerTo(Route);
        _engine.On(Route, r => r.Body.Length == 0 ? usual(r) : _answer);
        _probes = new EngineClient(_clock);
        var replica = new ReplicaSnapshot("r0", _engine.Url);
        var snapshot = new PoolSnapshot { Name = "p", Model = "m", Replicas = [replica], KeysAreTokens = true };
        _replica = new Replica(replica, snapshot, _probes, 1, _clock, NullLogger.Instance);
        _pool = new Pool(
            snapshot, RoutePolicies.Create("penstock")!, [_replica],
            new PoolSettings(_clock, 1, 1 << 16, PoolOutlets.None)
            {
                Keying = new PrefixKeying(16, AreTokens: true),
                Tokens = TokenScope.Of(snapshot, 1),
            });
        _tokenizer = new PromptTokenizer(1, _clock);
    }

    private int Asked => _engine.To(Route).Count(r => r.Body.Length > 0);

    public async ValueTask DisposeAsync()
    {
        _tokenizer.Dispose();
        await _replica.DisposeAsync();
        _probes.Dispose();
        await _engine.DisposeAsync();
    }

    [Fact]
    public async Task Requests_with_the_same_prompt_share_one_question()
    {
        await BeginAsync();
        var gate = new Gate();
        _answer = Script.Empty.Pass(gate).Send(s_tokens.AllBytes());
        var blocks = Enumerable.Range(0, 5).Select(_ => BlocksAsync("the same")).ToArray();
        await gate.Reached.WaitAsync(RunningGateway.Guard);
        gate.Open();
        Assert.All(await Task.WhenAll(blocks), b => Assert.Equal(4, b));
        Assert.Equal(1, Asked);
        Assert.Equal(4, await BlocksAsync("another"));
        Assert.Equal(2, Asked);
    }

    [Fact]
    public async Task A_client_that_leaves_takes_the_answer_from_nobody()
    {
        await BeginAsync();
        var gate = new Gate();
        _answer = Script.Empty.Pass(gate).Send(s_tokens.AllBytes());
        using var leaves = new CancellationTokenSource();
        var left = BlocksUntilAsync("the same", leaves.Token);
        var stays = BlocksAsync("the same");
        await gate.Reached.WaitAsync(RunningGateway.Guard);
        await leaves.CancelAsync();
        gate.Open();
        Assert.Equal(4, await stays);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Assert.Equal(1, Asked);
    }

    [Fact]
    public async Task An_engine_that_never_tells_in_time_is_left_alone_for_ever_longer()
    {
        await BeginAsync();
        _answer = Script.Empty.Hang();
        for (var i = 0; i < TellingPause.SlowMax; i++)
        {
            await TimeOutAsync($"slow {i}");
        }

        var asked = Asked;
        await AssertNotAskedAsync("soon");
        _clock.Advance(TellingPause.Shortest);
        await TimeOutAsync("a try", meanwhile: () => AssertNotAskedAsync("beside the try"));
        Assert.Equal(asked + 1, Asked);
        _clock.Advance(TellingPause.Shortest);
        await AssertNotAskedAsync("too soon again");
        Assert.Equal(asked + 1, Asked);

        _clock.Advance(TellingPause.Shortest);
        _answer = s_tokens;
        Assert.Equal(4, await BlocksAsync("well again"));
        Assert.Equal(4, await BlocksAsync("and again"));
        Assert.Equal(asked + 3, Asked);
    }

    /// <summary>A burst of prompts: those that had to wait here had little of the engine's time.</summary>
    [Fact]
    public async Task Prompts_that_wait_for_each_other_do_not_make_the_engine_slow()
    {
        await BeginAsync();
        var gate = new Gate();
        _answer = Script.Empty.Pass(gate).Send(s_tokens.AllBytes());
        var first = Enumerable.Range(0, TellingPause.PlacesMax).Select(i => BlocksAsync($"first {i}")).ToArray();
        await _engine.WhenAsync(() => Asked == TellingPause.PlacesMax, RunningGateway.Guard);
        var late = Enumerable.Range(0, TellingPause.SlowMax).Select(i => BlocksAsync($"late {i}")).ToArray();
        _clock.Advance(PromptTokenizer.Patience * 0.75);
        _answer = Script.Empty.Hang();
        gate.Open();
        Assert.All(await Task.WhenAll(first), b => Assert.Equal(4, b));
        await _engine.WhenAsync(
            () => Asked == TellingPause.PlacesMax + TellingPause.SlowMax, RunningGateway.Guard);
        _clock.Advance(PromptTokenizer.Patience * 0.25);
        Assert.All(await Task.WhenAll(late), b => Assert.Equal(0, b));

        _answer = s_tokens;
        Assert.Equal(4, await BlocksAsync("well"));
    }

    /// <summary>It is the fault of the prompts, and costs no time.</summary>
    [Fact]
    public async Task An_engine_that_refuses_prompts_is_asked_for_others()
    {
        await BeginAsync();
        _answer = Script.Reply(400, "{}");
        for (var i = 0; i < 3 * TellingPause.SlowMax; i++)
        {
            Assert.Equal(0, await BlocksAsync($"bad {i}"));
        }

        _answer = s_tokens;
        Assert.Equal(4, await BlocksAsync("good"));
    }

    private async Task BeginAsync()
    {
        _replica.Take(_pool, 0);
        await Until.TrueAsync(() => _replica.Identity is not null);
        Assert.True(_replica.Identity!.Can(EngineCapabilities.Tokenize));
    }

    private async Task TimeOutAsync(string prompt, Func<Task>? meanwhile = null)
    {
        var asked = Asked;
        var blocks = BlocksAsync(prompt);
        await _engine.WhenAsync(() => Asked == asked + 1, RunningGateway.Guard);
        await (meanwhile?.Invoke() ?? Task.CompletedTask);
        _clock.Advance(PromptTokenizer.Patience);
        Assert.Equal(0, await blocks);
    }

    private async Task AssertNotAskedAsync(string prompt)
    {
        var blocks = BlocksAsync(prompt);
        Assert.True(blocks.IsCompleted);
        Assert.Equal(0, await blocks);
    }

    /// <summary>Blocks of the chain that the tokens of a prompt make.</summary>
    private Task<int> BlocksAsync(string prompt) => BlocksUntilAsync(prompt, RunningGateway.Guard);

    private async Task<int> BlocksUntilAsync(string prompt, CancellationToken leaves)
    {
        using var chain = new TokenChain();
        var chat = Encoding.UTF8.GetBytes($$"""{"messages":[{"role":"user","content":"{{prompt}}"}]}""");
        await _tokenizer.FillAsync(_pool, chat, "m", default, chain, leaves);
        return chain.PromptFor(_pool, 0).Blocks.Length;
    }
}
