using System.Buffers;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Prefixes;

/// <summary>How long prompts are taken to be of which nobody counted the tokens.</summary>
public class KeyRatioTests
{
    private const ulong Known = 1;
    private const ulong Hostile = 2;
    private const ulong Unknown = 3;
    private const int Bytes = 64_000;

    private readonly PrefixIndex _index = new(1, 4_096, PrefixKeying.Bytes);
    private ulong _prompts;

    [Theory]
    [InlineData(100)]
    [InlineData(1_000)]
    [InlineData(60_000)]
    public void What_one_key_sends_says_little_of_the_prompts_of_others(long tokens)
    {
        Send(Known, 20, 16_000);
        var before = (Tokens(Known), Tokens(Unknown));
        Send(Hostile, 1_000, tokens);
        Assert.Equal(before.Item1, Tokens(Known));
        Assert.InRange(Tokens(Unknown), before.Item2 * 0.9, before.Item2 * 1.1);
    }

    [Theory]
    [InlineData(21_000)]
    [InlineData(9_000)]
    [InlineData(2_000)]
    public void A_key_is_known_after_a_few_prompts(long tokens)
    {
        Send(Known, 20, tokens);
        Assert.InRange(Tokens(Known), tokens * 0.9, tokens * 1.1);
    }

    [Fact]
    public void What_most_keys_send_is_expected_of_one_of_which_nothing_is_known()
    {
        for (ulong key = 10; key < 60; key++)
        {
            Send(key, 8, 21_000);
        }

        Assert.InRange(Tokens(Unknown), 21_000 * 0.95, 21_000 * 1.05);
        Assert.InRange(_index.UnitsPerToken, 2.9, 3.2);
    }

    /// <summary>By the rest of a key's hash, which chooses its place among 256.</summary>
    [Fact]
    public void A_key_that_lost_its_place_to_another_is_one_of_which_nothing_is_known()
    {
        Send(Known, 20, 21_000);
        Send(Known + 256, 20, 60_000);
        Assert.Equal(Tokens(Unknown), Tokens(Known));
        Assert.InRange(Tokens(Known), 14_000, 18_000);
    }

    [Fact]
    public void What_is_known_of_keys_is_saved()
    {
        Send(Known, 20, 21_000);
        var bytes = new ArrayBufferWriter<byte>();
        _index.Save(new StateWriter(bytes));
        var loaded = new PrefixIndex(1, 4_096, PrefixKeying.Bytes);
        var from = new StateReader(bytes.WrittenSpan);
        loaded.Load(ref from);
        var prompt = Prompt();
        Assert.Equal(_index.TokensOf(prompt, Known), loaded.TokensOf(prompt, Known));
        Assert.NotEqual(_index.TokensOf(prompt, Unknown), loaded.TokensOf(prompt, Known));
    }

    [Fact]
    public void A_pool_expects_of_each_key_what_it_sends()
    {
        var state = new PoolState(new PoolOptions(1, 4_096));
        state.Apply(PoolEvent.Eligibility(default, 0, Ineligible.No));
        var policy = RoutePolicies.Create("round-robin")!;
        var candidates = new Candidate[1];
        var rng = new Rng(1);
        RouteDecision Decide(ulong key) => state.Decide(
            new RouteRequest { Prompt = Prompt(), Key = key }, policy, candidates, ref rng);
        for (var i = 0; i < 20; i++)
        {
            var request = new RouteRequest { Prompt = Prompt(), Key = Known };
            var decision = state.Decide(in request, policy, candidates, ref rng);
            var ticket = state.Apply(PoolEvent.Dispatched(in request, in decision), request.Prompt);
            state.Apply(PoolEvent.Ended(default, ticket, RouteEnd.Completed, 21_000), request.Prompt);
        }

        Assert.InRange(Decide(Known).PromptTokens, 20_000, 22_000);
        Assert.InRange(Decide(Unknown).PromptTokens, 15_000, 18_000);
    }

    private long Tokens(ulong key) => _index.TokensOf(Prompt(), key);

    private void Send(ulong key, int times, long tokens)
    {
        for (var i = 0; i < times; i++)
        {
            var prompt = Prompt();
            var claim = _index.Dispatched(prompt, 0, default, key);
            _index.Released(prompt, 0, in claim, new CacheReport(true, tokens, 0, 1), default, key);
        }
    }

    /// <summary>One that was never sent before.</summary>
    private PromptPrefix Prompt()
    {
        var chain = new ulong[Bytes / PrefixChainBuilder.BlockBytes];
        var hash = Hash64.Combine(77, ++_prompts);
        for (var i = 0; i < chain.Length; i++)
        {
            chain[i] = hash = Hash64.Combine(hash, (ulong)i);
        }

        return new PromptPrefix
        {
            Blocks = chain, Marks = new PromptMark[] { new(Bytes, chain[^1] | 1) }, Length = Bytes,
        };
    }
}
