using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing;

public class ReturnTimesTests
{
    [Fact]
    public void What_comes_back_every_minute_is_expected_until_the_minute_is_over()
    {
        var times = new ReturnTimes();
        var session = PoolRig.Chain(1, 20);
        for (var turn = 0; turn < 500; turn++)
        {
            session = [.. session, .. PoolRig.Chain((ulong)turn + 10, 1)];
            See(times, session, turn * 60);
        }

        Assert.InRange(times.Chance(TimeSpan.FromSeconds(10)), 0.6, 1);
        Assert.InRange(times.Chance(TimeSpan.FromSeconds(40)), 0.6, 1);
        Assert.InRange(times.Chance(TimeSpan.FromSeconds(90)), 0, 0.45);
    }

    [Fact]
    public void What_never_comes_back_is_not_expected()
    {
        var times = new ReturnTimes();
        for (var i = 0; i < 20_000; i++)
        {
            See(times, PoolRig.Chain((ulong)i, 2), i, tokens: 10_000);
        }

        Assert.InRange(times.Chance(TimeSpan.FromSeconds(60)), 0, 0.1);
    }

    [Fact]
    public void A_prompt_goes_on_from_another_where_one_of_its_marks_ends_or_where_there_are_none_anywhere()
    {
        var marked = new ReturnTimes();
        var plain = new ReturnTimes();
        var session = PoolRig.Chain(1, 20);
        for (var turn = 0; turn < 300; turn++)
        {
            var before = session.Length;
            session = [.. session, .. PoolRig.Chain((ulong)turn + 10, 1)];
            var prompt = new PromptPrefix
            {
                Blocks = session,
                Marks = [new PromptMark(before * 64, 5), new PromptMark(session.Length * 64, 6)],
                Length = session.Length * 64,
            };
            marked.See(in prompt, 64, 50_000, Instant.FromSeconds(turn * 7));
            See(plain, session, turn * 7, tokens: 50_000);
        }

        for (var age = 1; age < 100; age++)
        {
            Assert.Equal(plain.Chance(TimeSpan.FromSeconds(age)), marked.Chance(TimeSpan.FromSeconds(age)));
        }
    }

    private static void See(ReturnTimes times, ulong[] chain, double at, long tokens = 50_000) =>
        times.See(new PromptPrefix { Blocks = chain, Length = chain.Length * 64 }, 64, tokens, Instant.FromSeconds(at));
}
