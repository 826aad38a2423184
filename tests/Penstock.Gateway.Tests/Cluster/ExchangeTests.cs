using Penstock.Core.Config;
using Penstock.Core.Prefixes;
using Penstock.Gateway.Cluster;

namespace Penstock.Gateway.Tests.Cluster;

/// <summary>What gateways tell each other, over real sockets.</summary>
public class ExchangeTests
{
    [Fact]
    public async Task Two_gateways_tell_each_other_what_they_have_in_flight()
    {
        var nodes = await ClusterNode.StartAllAsync("a", "b");
        var (a, b) = (nodes[0], nodes[1]);
        a.Pool.LoadChanged(1, 1, 4_000, 0);
        b.Pool.LoadChanged(2, 2, 0, 900);
        await b.Heard.WhenLoadsAsync("a: p/r1 1 4000 0");
        await a.Heard.WhenLoadsAsync("b: p/r2 2 0 900");

        a.Pool.LoadChanged(1, 1, 0, 4_000);
        a.Pool.LoadChanged(0, 5, 1, 1);
        await b.Heard.WhenLoadsAsync("a: p/r0 5 1 1", "a: p/r1 1 0 4000");
        a.Pool.LoadChanged(1, 0, 0, 0);
        await b.Heard.WhenLoadsAsync("a: p/r0 5 1 1", "a: p/r1 0 0 0");
        await ClusterNode.StopAllAsync(nodes);
    }

    [Fact]
    public async Task Four_gateways_know_the_sum_of_what_all_others_have_in_flight()
    {
        string[] names = ["a", "b", "c", "d"];
        var nodes = await ClusterNode.StartAllAsync(names);
        for (var i = 0; i < nodes.Length; i++)
        {
            nodes[i].Pool.LoadChanged(0, i + 1, 10 * i, 0);
        }

        foreach (var node in nodes)
        {
            var others = names.Select((n, i) => (Name: n, Load: $"{n}: p/r0 {i + 1} {10 * i} 0"))
                .Where(o => o.Name != node.Room.Self.Node).Select(o => o.Load);
            await node.Heard.WhenLoadsAsync([.. others]);
            await Until.TrueAsync(() => node.Room.Links.Up == 3);
            Assert.Equal(3, node.Room.Members.Count);
        }

        await ClusterNode.StopAllAsync(nodes);
    }

    [Fact]
    public async Task What_was_routed_where_is_told_with_its_whole_chain()
    {
        var nodes = await ClusterNode.StartAllAsync("a", "b");
        var (a, b) = (nodes[0], nodes[1]);
        a.Pool.Routed(1, [1, 2, 3]);
        a.Pool.Routed(1, [1, 2, 3, 4]);
        a.Pool.CacheLost(1);
        a.Pool.Routed(2, [1, 2, 3, 4]);
        await b.Heard.WhenSaidAsync("a: prefix p/r2 1,2,3,4");
        Assert.Equal(
            ["a: prefix p/r1 1,2,3", "a: prefix p/r1 1,2,3,4", "a: lost p/r1", "a: prefix p/r2 1,2,3,4"],
            b.Heard.Lines);
        await ClusterNode.StopAllAsync(nodes);
    }

    [Fact]
    public async Task What_was_answered_is_told_of_prompts_that_were_told_before()
    {
        await using var a = await ClusterNode.StartAsync("a");
        await using var b = await ClusterNode.StartAsync("b");
        a.Room.List([b.Address]);
        PromptMark[] marks = [new(640, 99)];
        ulong[] chain = [11, 12];
        a.Pool.Routed(0, chain);
        a.Pool.Answered(0, Prompt([13]), Answer(160));
        a.Pool.Answered(0, Prompt(chain), Answer(0));
        a.Pool.Answered(0, Prompt(chain), Answer(161));
        await b.Heard.WhenSaidAsync("a: answered p/r0 161 30");
        Assert.Equal(["a: prefix p/r0 11,12", "a: answered p/r0 161 30"], b.Heard.Lines);

        PromptPrefix Prompt(ulong[] blocks) => new() { Blocks = blocks, Marks = marks, Length = 640 };

        static CacheReport Answer(long prompt) => new(true, prompt, -1, 30);
    }

    [Fact]
    public void A_gateway_without_a_name_is_called_after_its_machine_and_six_hex_digits()
    {
        var drawn = ClusterSelf.Of(new ClusterSnapshot { Secret = ClusterNode.Secret }, TimeProvider.System).Node;
        Assert.Matches("^.*-[0-9a-f]{6}$", drawn);
        Assert.NotEqual(
            drawn, ClusterSelf.Of(new ClusterSnapshot { Secret = ClusterNode.Secret }, TimeProvider.System).Node);
    }

    [Fact]
    public async Task A_gateway_that_leaves_has_nothing_in_flight_at_once()
    {
        var nodes = await ClusterNode.StartAllAsync("a", "b");
        var (a, b) = (nodes[0], nodes[1]);
        a.Pool.LoadChanged(1, 1, 4_000, 0);
        await b.Heard.WhenLoadsAsync("a: p/r1 1 4000 0");
        await a.DisposeAsync();
        await b.Heard.WhenLoadsAsync();
        Assert.Equal("a: gone", b.Heard.Lines[^1]);
        await b.DisposeAsync();
    }
}
