using System.Text;
using Penstock.Core.Models;
using Penstock.Core.Prefixes;
using Penstock.Wire.Scan;

namespace Penstock.Wire.Tests.Scan;

/// <summary>Where the parts of a prompt end.</summary>
public class PromptMarkTests
{
    private const string Tools = "\"tools\":[{\"name\":\"a\",\"input_schema\":{}}]";
    private const string System = "\"system\":\"be brief\"";
    private const string One = "{\"role\":\"user\",\"content\":\"one\"}";
    private const string Two = "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"two\"}]}";
    private const string Three = "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"{three}\"}]}";

    [Fact]
    public void The_next_turn_begins_with_the_marks_of_the_last()
    {
        var first = Marks(Body(One));
        Assert.Equal(3, first.Length);
        var second = Marks(Body(One, Two, Three));
        Assert.Equal(5, second.Length);
        Assert.Equal(first, second[..3]);
        Assert.Equal(5, second.Select(m => m.Hash).Distinct().Count());
        Assert.Equal(second.Select(m => m.End).Order(), second.Select(m => m.End));
    }

    [Fact]
    public void Marks_differ_from_the_first_part_that_differs()
    {
        var a = Marks(Body(One, Two));
        var b = Marks(Body(One, Two.Replace("two", "2wo"), Three));
        Assert.Equal(a[..3], b[..3]);
        Assert.NotEqual(a[3].Hash, b[3].Hash);
    }

    [Theory]
    [InlineData("},{", "} , {")]
    [InlineData("}]", "} \n ]")]
    [InlineData("\"content\":\"one\"", "\"content\":[{\"type\":\"text\",\"text\":\"one\"}]")]
    [InlineData("\"content\":\"one\"", "\"content\":\"one\",\"cache_control\":{\"type\":\"ephemeral\"}")]
    [InlineData("{\"role\":\"user\"", "{\"cache_control\" : {\"type\":\"ephemeral\"} , \"role\":\"user\"")]
    [InlineData("\"text\":\"two\"", "\"text\":\"two\",\"cache_control\":{\"a\":{},\"b\":[{}]}")]
    public void How_a_body_is_written_moves_no_mark(string at, string written)
    {
        var body = Body(One, Two, Three);
        Assert.Contains(at, body);
        Assert.Equal(Marks(body), Marks(body.Replace(at, written)));
    }

    [Fact]
    public void How_a_body_was_cut_moves_no_mark()
    {
        var body = Body(One, Two, Three).Replace("},{", "} , {");
        var whole = Marks(body);
        for (var cut = 1; cut < body.Length; cut++)
        {
            Assert.Equal(whole, Marks(body, cut));
        }
    }

    [Fact]
    public void Of_many_messages_the_first_and_the_last_are_marked()
    {
        var messages = Enumerable.Range(0, 500).Select(i => One.Replace("one", $"m{i}")).ToArray();
        var marks = Marks(Body(messages));
        Assert.InRange(marks.Length, PrefixChainBuilder.FirstMarks + PrefixChainBuilder.LastMarks, 100);
        Assert.Equal(Marks(Body(messages[..4])), marks[..PrefixChainBuilder.FirstMarks]);
        Assert.Equal(Marks(Body([.. messages, Two]))[^2], marks[^1]);
    }

    private static string Body(params string[] messages) =>
        $"{{\"model\":\"m\",\"max_tokens\":1,{System},\"messages\":[{string.Join(',', messages)}],{Tools}}}";

    private static PromptMark[] Marks(string body, params int[] cuts)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var scan = new BodyScan(64);
        scan.Start(Dialect.Anthropic, isCount: false);
        foreach (var cut in cuts)
        {
            Assert.Equal(ScanStatus.NeedMore, scan.Advance(bytes.AsSpan(0, cut), isFinal: false));
        }

        Assert.Equal(ScanStatus.Complete, scan.Advance(bytes, isFinal: true));
        using var chain = new PrefixChainBuilder();
        chain.Start(1);
        scan.FeedPrompt(bytes, chain);
        return chain.Prompt.Marks.ToArray();
    }
}
