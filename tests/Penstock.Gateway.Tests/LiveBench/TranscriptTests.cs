using System.Text;
using System.Text.Json;
using Penstock.Core.Primitives;
using Penstock.LiveBench.Sessions;
using Penstock.Simulator.Texts;

namespace Penstock.Gateway.Tests.LiveBench;

/// <summary>The prompts of the live benchmark: what the figures mean depends on their prefixes being right.</summary>
public sealed class TranscriptTests
{
    private const int SystemBlocks = 3;
    private static readonly byte[] s_answer = "an answer of the engine\\n"u8.ToArray();

    [Fact]
    public void A_block_is_64_tokens_of_four_bytes()
    {
        var text = new byte[BlockTexts.BlockBytes];
        for (var key = 0UL; key < 100; key++)
        {
            BlockTexts.Write(key, text);
            Assert.Equal(TraceFile.BlockTokens, TextTokens.Count(text));
        }
    }

    [Fact]
    public void A_prompt_that_goes_on_extends_prompt_and_answer_byte_for_byte()
    {
        var transcript = New();
        transcript.Become(Step(new BlockRun(1, 10)), default, 0);
        var before = Body(transcript);
        transcript.Become(Step(new BlockRun(1, 20)), s_answer, 100);

        var after = Body(transcript);
        Assert.StartsWith(Open(before), after, StringComparison.Ordinal);
        var turns = Turns(after);
        Assert.Equal(["user", "assistant", "user"], turns.Select(turn => turn.Role));
        Assert.Equal("an answer of the engine\n", turns[1].Text);

        // 100 tokens stand for two blocks; the other eight are new text.
        Assert.Equal((10 - SystemBlocks) * BlockTexts.BlockBytes, turns[0].Text.Length);
        Assert.Equal(8 * BlockTexts.BlockBytes, turns[2].Text.Length);
        Assert.Equal(20, transcript.Blocks);
    }

    [Theory]
    [InlineData(14)] // After the answer, which stays.
    [InlineData(11)] // In the middle of the answer, which goes.
    [InlineData(10)]
    [InlineData(5)]
    public void A_prompt_that_goes_back_keeps_what_is_the_same_and_nothing_else(int common)
    {
        var transcript = New();
        transcript.Become(Step(new BlockRun(1, 10)), default, 0);
        transcript.Become(Step(new BlockRun(1, 20)), s_answer, 100);
        var before = Body(transcript);
        transcript.Become(Step(new BlockRun(1, common), new BlockRun(100, 4)), default, 0);

        var turns = Turns(Body(transcript));
        var hasAnswer = common >= 12;
        Assert.Equal(hasAnswer ? 3 : 1, turns.Count);
        var words = turns.Where(turn => turn.Role == "user").Sum(turn => turn.Text.Length);
        Assert.Equal((common + 4 - SystemBlocks - (hasAnswer ? 2 : 0)) * BlockTexts.BlockBytes, words);
        var same = CommonLength(before, Body(transcript));
        var kept = (hasAnswer ? common - 2 : Math.Min(common, 10)) * BlockTexts.BlockBytes;
        Assert.True(same >= kept, $"{same} bytes are the same, {kept} of text should be");
        Assert.Equal(common + 4, transcript.Blocks);
    }

    /// <summary>Whatever a session does, its body is JSON, ends with the user and has the blocks asked for.</summary>
    [Fact]
    public void Any_history_of_prompts_gives_bodies_with_the_blocks_of_the_trace()
    {
        var rng = new Rng(7);
        for (var session = 0; session < 50; session++)
        {
            var transcript = New();
            List<int> ids = [.. Enumerable.Range(1, 6)];
            for (var request = 1; request < 20; request++)
            {
                transcript.Become(
                    Step([.. ids.Select(id => new BlockRun(id, 1))]),
                    rng.NextInt32(4) == 0 ? default : s_answer,
                    rng.NextInt32(300));

                Assert.Equal(ids.Count, transcript.Blocks);
                var last = Turns(Body(transcript))[^1];
                Assert.Equal("user", last.Role);
                Assert.NotEmpty(last.Text);

                var back = rng.NextInt32(3) == 0 ? rng.NextInt32(ids.Count) : 0;
                ids.RemoveRange(ids.Count - back, back);
                ids.AddRange(Enumerable.Range(request * 50, rng.NextInt32(8)));
            }
        }
    }

    private static Transcript New() => new(new BlockTexts(new Session("s", 1, SystemBlocks, [])), SystemBlocks);

    private static RequestStep Step(params BlockRun[] prompt) => new(0, prompt.Sum(run => run.Count), prompt, 1);

    private static string Body(Transcript transcript)
    {
        var prompt = transcript.Prompt(out var end);
        return "{" + Encoding.ASCII.GetString(prompt.Span) + Encoding.ASCII.GetString(end.Span);
    }

    private static string Open(string body) => body[..^"\"}]}]}".Length];

    private static List<(string Role, string Text)> Turns(string body)
    {
        using var document = JsonDocument.Parse(body);
        return
        [
            .. document.RootElement.GetProperty("messages").EnumerateArray().Select(turn => (
                turn.GetProperty("role").GetString()!,
                turn.GetProperty("content")[0].GetProperty("text").GetString()!)),
        ];
    }

    private static int CommonLength(string a, string b)
    {
        var length = 0;
        while (length < a.Length && length < b.Length && a[length] == b[length])
        {
            length++;
        }

        return length;
    }
}
