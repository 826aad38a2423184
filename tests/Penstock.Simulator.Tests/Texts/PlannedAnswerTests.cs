using System.Buffers;
using System.Text;
using System.Text.Json;
using Penstock.Simulator.Texts;

namespace Penstock.Simulator.Tests.Texts;

public sealed class PlannedAnswerTests
{
    [Fact]
    public void An_answer_says_that_it_is_simulated_and_by_what()
    {
        var answer = PlannedAnswer.Words("demo-h100", 7, new AnswerLimits(128_000));

        Assert.StartsWith(
            "(simulated by penstock engine, profile demo-h100) ", TextOf(answer), StringComparison.Ordinal);
        Assert.InRange(answer.Tokens, 24, 120);
        Assert.Equal(AnswerEnd.Natural, answer.End);
    }

    [Fact]
    public void The_same_seed_gives_the_same_answer_and_another_seed_another_one()
    {
        var limits = new AnswerLimits(1000);

        Assert.Equal(TextOf(PlannedAnswer.Words("p", 7, limits)), TextOf(PlannedAnswer.Words("p", 7, limits)));
        Assert.NotEqual(TextOf(PlannedAnswer.Words("p", 7, limits)), TextOf(PlannedAnswer.Words("p", 8, limits)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(23)]
    public void A_short_limit_cuts_the_answer(int limit)
    {
        var answer = PlannedAnswer.Words("p", 7, new AnswerLimits(limit));

        Assert.Equal(limit, answer.Tokens);
        Assert.Equal(AnswerEnd.Length, answer.End);
        Assert.Equal(limit, TextTokens.Count(answer.Text));
    }

    [Fact]
    public void Ignoring_the_end_goes_on_to_the_limit_and_a_minimum_is_kept()
    {
        Assert.Equal(500, PlannedAnswer.Words("p", 7, new AnswerLimits(500, IgnoreEnd: true)).Tokens);
        Assert.Equal(300, PlannedAnswer.Words("p", 7, new AnswerLimits(500, TokensMin: 300)).Tokens);
    }

    [Fact]
    public void A_stop_sequence_ends_the_answer_before_itself()
    {
        var answer = PlannedAnswer.Words("p", 7, new AnswerLimits(500, StopSequences: ["never", " engine", "profile"]));

        Assert.Equal("(simulated by penstock", TextOf(answer));
        Assert.Equal(AnswerEnd.StopSequence, answer.End);
        Assert.Equal(" engine", answer.StopSequence);
    }

    [Fact]
    public void The_slices_of_an_answer_are_its_text()
    {
        var answer = PlannedAnswer.Words("p", 7, new AnswerLimits(60));
        var text = new StringBuilder();
        for (var i = 0; i < answer.Tokens; i++)
        {
            text.Append(Encoding.UTF8.GetString(answer.Slice(i, i + 1)));
        }

        Assert.Equal(TextOf(answer), text.ToString());
    }

    [Fact]
    public void The_opening_of_a_tool_call_costs_tokens_and_is_not_seen()
    {
        var answer = PlannedAnswer.ToolCall("<call f>"u8, "{\"n\":1}"u8, 100);
        var cut = PlannedAnswer.ToolCall("<call f>"u8, "{\"n\":1}"u8, 2);

        Assert.Equal("{\"n\":1}", TextOf(answer));
        Assert.Equal("{\"n\":1}", string.Concat(Enumerable.Range(0, answer.Tokens)
            .Select(at => Encoding.UTF8.GetString(answer.Slice(at, at + 1)))));
        Assert.Equal(TextTokens.Count("<call f>{\"n\":1}"u8), answer.Tokens);
        Assert.Equal((2, "", AnswerEnd.Length), (cut.Tokens, TextOf(cut), cut.End));
    }

    [Theory]
    [InlineData(
        """{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["a","b"]}""",
        """{"a":"simulated","b":1}""")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}}}""", "{}")]
    [InlineData("""{"properties":{"k":{"enum":["x","y"]}},"required":["k"]}""", """{"k":"x"}""")]
    [InlineData(
        """
        {"properties":{"o":{"properties":{"n":{"type":"number","minimum":3.5}},"required":["n"]}},"required":["o"]}
        """,
        """{"o":{"n":3.5}}""")]
    [InlineData("""{"properties":{"l":{"type":"array","minItems":2,"items":{"type":"boolean"}}},"required":["l"]}""",
        """{"l":[true,true]}""")]
    [InlineData("""{"properties":{"r":{"$ref":"#/$defs/t"}},"required":["r"],"$defs":{"t":{"const":"fixed"}}}""",
        """{"r":"fixed"}""")]
    [InlineData("""{"properties":{"n":{"anyOf":[{"type":"null"},{"type":"string"}]}},"required":["n"]}""",
        """{"n":null}""")]
    [InlineData("""{"$ref":"#"}""", "{}")]
    [InlineData("""{"properties":{"self":{"$ref":"#/properties/self"}},"required":["self"]}""", """{"self":{}}""")]
    public void Tool_arguments_satisfy_the_schema(string schema, string expected)
    {
        using var document = JsonDocument.Parse(schema);
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
        {
            SchemaExample.Write(document.RootElement, json);
        }

        Assert.Equal(expected, Encoding.UTF8.GetString(output.WrittenSpan));
    }

    private static string TextOf(PlannedAnswer answer) => Encoding.UTF8.GetString(answer.Text);
}
