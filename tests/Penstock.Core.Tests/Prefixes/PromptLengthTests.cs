using Penstock.Core.Prefixes;

namespace Penstock.Core.Tests.Prefixes;

/// <summary>What is learned of lengths and answers, and what follows for predictions.</summary>
public class PromptLengthTests
{
    private static readonly string System = Talk.Text("system", 4_000);
    private static readonly string First = Talk.Text("first", 1_000);
    private static readonly string Answer = Talk.Text("answer", 700);
    private static readonly string Second = Talk.Text("second", 900);

    [Fact]
    public void The_next_turn_finds_the_prompt_and_the_answer_in_whole_blocks()
    {
        using var talk = new Talk(Talk.Paged());
        talk.Ask(1_333, 201, 0, System, First);
        Assert.Equal((1_333 + 200) / 16 * 16, talk.Predict(System, First, Answer, Second));
    }

    [Fact]
    public void The_same_prompt_again_finds_all_but_its_last_token()
    {
        using var talk = new Talk(Talk.Paged());
        talk.Ask(1_328, 201, 0, System, First);
        Assert.Equal(1_328 - 16, talk.Predict(System, First));
        Assert.Equal(1_328, talk.TokensOf(System, First));
    }

    [Fact]
    public void What_an_engine_keeps_of_turns_is_counted_once_and_with_its_unfilled_blocks()
    {
        using var talk = new Talk(Talk.Paged());
        talk.Ask(1_333, 201, 0, System, First);
        Assert.Equal(1_536, talk.Index.TokensAt(0));
        talk.Ask(1_800, 101, 1_520, System, First, Answer, Second);

        // 1,900 tokens in 119 blocks, and the block that the first turn did not fill.
        Assert.Equal((119 * 16) + 16, talk.Index.TokensAt(0));
    }

    [Fact]
    public void A_prompt_is_as_long_as_was_counted_and_only_the_rest_is_estimated()
    {
        using var talk = new Talk(Talk.Paged());
        talk.Ask(2_000, 201, 0, System, First);
        var tokens = talk.TokensOf(System, First, Answer, Second);
        Assert.Equal(2_201 + (900 / talk.Index.UnitsPerToken), tokens, 10.0);
    }

    [Fact]
    public void Where_prompts_part_is_learned_from_what_engines_find()
    {
        using var talk = new Talk(Talk.Paged());
        talk.Ask(1_333, 201, 0, System, First);
        talk.Ask(1_333, 201, 1_088, System, Second);
        Assert.Equal(1_088, talk.Predict(System, Talk.Text("third", 500)));
    }

    [Fact]
    public void A_shortfall_is_eviction_until_it_was_seen_twice()
    {
        using var talk = new Talk(Talk.Paged());
        talk.Ask(1_333, 201, 0, System, First);
        var other = Talk.Text("other", 1_500);
        var before = talk.Predict(System, other);
        talk.Ask(1_333, 201, 640, System, Second);
        Assert.Equal(before, talk.Predict(System, other));
        talk.Ask(1_333, 201, 640, System, Talk.Text("third", 500));
        Assert.Equal(640, talk.Predict(System, other));
    }

    [Fact]
    public void Answers_that_templates_leave_out_are_not_counted_on()
    {
        using var talk = new Talk(Talk.Paged(1_000_000));
        for (var i = 0; i < 12; i++)
        {
            var first = Talk.Text("f" + i, 1_000);
            talk.Ask(1_333, 401, 0, System, first);
            talk.Ask(1_900, 401, 1_328, System, first, Answer, Second);
        }

        var other = Talk.Text("other", 1_000);
        talk.Ask(1_333, 401, 0, System, other);
        Assert.Equal(1_328, talk.Predict(System, other, Answer, Second));
    }

    [Fact]
    public void A_replica_that_lost_an_answer_is_believed_to_hold_what_came_before_it()
    {
        using var talk = new Talk(Talk.Paged(1_600));
        talk.Ask(1_333, 201, 0, System, First);
        talk.Ask(320, 1, 0, Talk.Text("other", 1_200));
        Assert.Equal(1_600 - 320, talk.Predict(System, First, Answer, Second), 16.0);
    }

    [Fact]
    public void A_capacity_that_nobody_told_is_learned_from_what_is_lost_and_found()
    {
        using var talk = new Talk(default);
        var texts = Enumerable.Range(0, 40).Select(i => Talk.Text("t" + i, 4_000)).ToArray();
        Assert.Equal(0, talk.Index.CapacityOf(0));
        foreach (var text in texts)
        {
            talk.Ask(1_000, 1, 0, text);
        }

        // An engine of 10,000 tokens: what came last is there, what came first is not.
        talk.Ask(1_000, 1, 992, texts[35]);
        talk.Ask(1_000, 1, 0, texts[25]);
        Assert.InRange(talk.Index.CapacityOf(0), 5_000, 20_000);
    }

    [Fact]
    public void The_block_size_is_learned_from_what_engines_find()
    {
        using var talk = new Talk(default);
        for (var i = 0; i < 40; i++)
        {
            talk.Ask(2_000, 1, 32 * (10 + (i * 7 % 50)), Talk.Text("m" + i, 300));
        }

        talk.Ask(1_333, 201, 0, Second, First);
        Assert.Equal((1_333 + 200) / 32 * 32, talk.Predict(Second, First, Answer, System));
    }

    [Fact]
    public void A_block_that_was_learned_too_large_is_as_small_as_the_next_hit_shows()
    {
        using var talk = new Talk(default);
        Find(talk, 64, 12);
        talk.Ask(1_333, 201, 0, Second, First);
        Assert.Equal((1_333 + 200) / 64 * 64, talk.Predict(Second, First, Answer, System));
        talk.Ask(2_000, 1, 80, "contradicts");
        Assert.Equal((1_333 + 200) / 16 * 16, talk.Predict(Second, First, Answer, System));
    }

    /// <summary>One of which nobody told what its blocks are.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(128)]
    public void After_a_restart_blocks_may_be_of_another_size(int block)
    {
        using var talk = new Talk(default);
        Find(talk, 64, 12);
        talk.Index.Clear(0);
        Find(talk, block, 1);
        talk.Ask(1_333, 201, 0, Second, First);
        Assert.Equal((1_333 + 200) / Math.Min(block, 64) * Math.Min(block, 64), Next(talk));
        Find(talk, block, 12);
        Assert.Equal((1_333 + 200) / block * block, Next(talk));

        static long Next(Talk talk) => talk.Predict(Second, First, Answer, System);
    }

    /// <summary>Counts that only few prompts have in common are no block.</summary>
    [Fact]
    public void What_is_larger_than_any_block_is_none()
    {
        using var talk = new Talk(default);
        Find(talk, 1_000, 12);
        talk.Ask(1_333, 201, 0, Second, First);
        Assert.Equal(1_333 + 200, talk.Predict(Second, First, Answer, System));
    }

    [Fact]
    public void What_would_be_lost_is_told_with_its_age()
    {
        using var talk = new Talk(Talk.Paged(10_240));
        Assert.Equal(default, talk.Index.Victims(0, 1_000, default));
        for (var i = 0; i < 40; i++)
        {
            // Every other conversation goes on after a second; the rest never do.
            var first = Talk.Text("c" + i, 1_900);
            talk.AskAt(i * 10, 500, 13, 0, first);
            if (i % 2 == 0)
            {
                talk.AskAt((i * 10) + 1, 700, 13, 500, first, Answer, "x");
            }
        }

        var victims = talk.Index.Victims(0, 2_000, Core.Primitives.Instant.FromSeconds(400));
        Assert.Equal(2_000, victims.Tokens, 600.0);
        Assert.InRange(victims.Unused.TotalSeconds, 60, 300);
        var young = talk.Index.Victims(0, 10_240, Core.Primitives.Instant.FromSeconds(391));
        Assert.InRange(young.Unused.TotalSeconds, 0, 30);
    }

    /// <summary>An engine of such blocks finds some of them, of prompts that are like no other.</summary>
    private static void Find(Talk talk, int block, int times)
    {
        for (var i = 0; i < times; i++)
        {
            var found = block * (11 + (2 * i));
            talk.Ask(found + 100, 1, found, Talk.Text($"m{block}x{i}", 4 * (found + 100)));
        }
    }
}
