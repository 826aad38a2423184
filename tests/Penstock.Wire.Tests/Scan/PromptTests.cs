using Penstock.Core.Models;
using Penstock.Wire.Scan;

namespace Penstock.Wire.Tests.Scan;

/// <summary>What the canonical prompt does not depend on, and what it does.</summary>
public class PromptTests
{
    private const string Tools =
        "\"tools\":[{\"name\":\"a\",\"input_schema\":{\"type\":\"object\"}},{\"name\":\"b\",\"input_schema\":{}}]";

    private const string System = "\"system\":[{\"type\":\"text\",\"text\":\"be brief\"}]";

    private const string Messages =
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"one\"}]},"
        + "{\"role\":\"assistant\",\"content\":"
        + "[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"a\",\"input\":{\"x\":1}}]},"
        + "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":\"ok\"}]}]";

    private const string Rest = "\"model\":\"m\",\"max_tokens\":1";

    private const string Mark = "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}";

    private static readonly string Plain = Canonical($"{{{Rest},{Tools},{System},{Messages}}}");

    public static TheoryData<string> Orders =>
    [
        $"{{{Rest},{Messages},{System},{Tools}}}", $"{{{System},{Rest},{Messages},{Tools}}}",
        $"{{{Messages},{Tools},{Rest},{System}}}", $"{{{Tools},{Messages},{System},{Rest}}}",
    ];

    [Theory]
    [MemberData(nameof(Orders))]
    public void The_order_of_the_members_does_not_matter(string body) => Assert.Equal(Plain, Canonical(body));

    [Fact]
    public void What_is_not_the_prompt_does_not_matter() =>
        Assert.Equal(
            Plain,
            Canonical(
                $"{{\"model\":\"other\",\"max_tokens\":99,\"stream\":true,{Mark},"
                + $"{Tools},{System},{Messages},\"x\":[1]}}"));

    [Theory]
    [InlineData("{\"name\":\"a\",", "{\"name\":\"a\",@,")]
    [InlineData("{\"name\":\"a\",", "{@,\"name\":\"a\",")]
    [InlineData("\"input_schema\":{}}", "\"input_schema\":{},@}")]
    [InlineData("\"be brief\"}", "\"be brief\",@}")]
    [InlineData("{\"type\":\"text\",\"text\":\"be", "{@,\"type\":\"text\",\"text\":\"be")]
    [InlineData("\"text\":\"one\"", "@,\"text\":\"one\"")]
    [InlineData("\"text\":\"one\"", "\"text\":\"one\",@")]
    [InlineData("{\"type\":\"text\",\"text\":\"one\"", "{@,\"type\":\"text\",\"text\":\"one\"")]
    [InlineData("\"input\":{\"x\":1}", "\"input\":{\"x\":1},@")]
    [InlineData("\"content\":\"ok\"", "\"content\":\"ok\",@")]
    [InlineData("{\"type\":\"tool_result\",", "{@,\"type\":\"tool_result\",")]
    public void Cache_marks_do_not_matter(string at, string withMark)
    {
        var body = $"{{{Rest},{Tools},{System},{Messages}}}";
        Assert.Contains(at, body);
        foreach (var mark in new[] { Mark, "\"cache_control\":null", "\"cache_control\" : { \"a\" : [ {} , 1 ] }" })
        {
            Assert.Equal(Plain, Canonical(body.Replace(at, withMark.Replace("@", mark))));
            Assert.Equal(Plain, Canonical(body.Replace(at, withMark.Replace("@", $" {mark} ").Replace(",", " ,\n "))));
        }
    }

    [Theory]
    [InlineData("{@}", "{}")]
    [InlineData("{ @ }", "{}")]
    [InlineData("{@,@}", "{}")]
    [InlineData("{ @ , @ }", "{}")]
    [InlineData("{\"a\":1,@,@}", "{\"a\":1}")]
    [InlineData("{\"a\":1 , @ , @ , \"b\":2}", "{\"a\":1,\"b\":2}")]
    public void Marks_alone_and_marks_given_twice_leave_what_is_beside_them(string block, string expected) =>
        Assert.Equal(
            Canonical($"{{{Rest},\"messages\":[{{\"role\":\"user\",\"content\":[{expected}]}}]}}"),
            Canonical($"{{{Rest},\"messages\":[{{\"role\":\"user\",\"content\":[{block.Replace("@", Mark)}]}}]}}"));

    [Fact]
    public void White_space_does_not_matter()
    {
        var body = $"{{{Rest},{Tools},{System},{Messages}}}";
        Assert.Equal(Plain, Canonical(Spaced(body, " ")));
        Assert.Equal(Plain, Canonical(Spaced(body, "\r\n\t ")));
        var oneGap = body.Count(c => "{}[],:".Contains(c));
        for (var i = 0; i < oneGap; i++)
        {
            var gap = i;
            Assert.Equal(Plain, Canonical(Spaced(body, " ", at => at == gap)));
        }
    }

    [Fact]
    public void A_string_is_the_one_text_block_it_stands_for()
    {
        var marked = Block("h").Replace("}", $",{Mark}}}");
        Assert.Equal(
            Canonical($"{{{Rest},{System},\"messages\":[{{\"role\":\"user\",\"content\":[{Block("h\\ni")}]}}]}}"),
            Canonical(
                $"{{{Rest},\"system\" : \"be brief\" ,\"messages\":[{{\"role\":\"user\",\"content\": \"h\\ni\"}}]}}"));
        Assert.Equal(
            Canonical($"{{{Rest},\"messages\":[{{\"role\":\"user\",\"content\":[{Block("h")}]}}]}}"),
            Canonical(
                $"{{{Rest},\"messages\":[{{\"role\":\"user\",\"content\":[{marked}]}}]}}"));
    }

    [Fact]
    public void A_string_elsewhere_is_a_string()
    {
        const string String = "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"content\":\"x\"}]}";
        const string Blocks =
            "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
            + "\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}";
        Assert.NotEqual(
            Canonical($"{{{Rest},\"messages\":[{String}]}}"), Canonical($"{{{Rest},\"messages\":[{Blocks}]}}"));
    }

    [Theory]
    [InlineData("one", "two")]
    [InlineData("one", "one ")]
    [InlineData("\"role\":\"assistant\"", "\"role\":\"user\"")]
    [InlineData("be brief", "be long")]
    [InlineData("\"name\":\"b\"", "\"name\":\"c\"")]
    [InlineData("\"input\":{\"x\":1}", "\"input\":{\"x\":2}")]
    [InlineData("\"input\":{\"x\":1}", "\"input\":{\"x\":1,\"cache_control\":{}}")]
    [InlineData("\"type\":\"object\"", "\"type\":\"object\",\"properties\":{\"cache_control\":{}}")]
    [InlineData("\"content\":\"ok\"", "\"content\":\"ok\",\"is_error\":true")]
    [InlineData("\"text\":\"one\"", "\"text\":\"cache_control\"")]
    public void Everything_else_matters(string from, string to)
    {
        var body = $"{{{Rest},{Tools},{System},{Messages}}}";
        Assert.Contains(from, body);
        Assert.NotEqual(Plain, Canonical(body.Replace(from, to)));
    }

    [Fact]
    public void The_order_of_messages_matters() =>
        Assert.NotEqual(
            Canonical($"{{{Rest},\"messages\":[{Turn("user", "a")},{Turn("user", "b")}]}}"),
            Canonical($"{{{Rest},\"messages\":[{Turn("user", "b")},{Turn("user", "a")}]}}"));

    [Fact]
    public void Tools_system_and_messages_are_told_apart() =>
        Assert.Equal(
            3,
            new[]
            {
                Canonical($"{{{Rest},\"tools\":[{{}}],\"messages\":[]}}"),
                Canonical($"{{{Rest},\"system\":[{{}}],\"messages\":[]}}"),
                Canonical($"{{{Rest},\"messages\":[{{}}]}}"),
            }.Distinct().Count());

    [Fact]
    public void A_change_changes_the_chain_from_there_on_and_not_before()
    {
        string Body(int changed) =>
            $"{{{Rest},\"messages\":["
            + string.Join(
                ',', Enumerable.Range(0, 40).Select(i => Turn("user", new string(i == changed ? 'x' : 'a', 250))))
            + "]}";
        var plain = Canonical(Body(-1)).Split(' ');
        for (var changed = 0; changed < 40; changed++)
        {
            var other = Canonical(Body(changed)).Split(' ');
            var common = plain.Zip(other).TakeWhile(p => p.First == p.Second).Count();
            Assert.InRange(common, changed * 300 / 256, ((changed * 300) + 300) / 256);
            Assert.DoesNotContain(plain.Zip(other).Skip(common), p => p.First == p.Second);
        }
    }

    [Fact]
    public void A_further_turn_keeps_the_chain_of_those_before_it_though_the_mark_moves()
    {
        var first = Turn("user", new string('q', 3_000));
        var marked = first.Replace("\"}]", $"\",{Mark}}}]");
        Assert.NotEqual(first, marked);
        var before = Canonical($"{{{Rest},{System},\"messages\":[{marked}]}}").Split(' ');
        var after = Canonical(
            $"{{\"messages\":[ {first}, {Turn("assistant", "a")}, {Turn("user", "b")} ],{System},{Rest}}}").Split(' ');
        Assert.InRange(before.Length, 12, 14);
        Assert.Equal(before[..11], after[..11]);
    }

    [Fact]
    public void A_body_with_more_white_space_than_is_noted_still_has_a_chain()
    {
        var content = string.Join(" , ", Enumerable.Repeat("{ \"type\" : \"text\" , \"text\" : \"a\" }", 20_000));
        var body = $"{{{Rest},\"messages\":[{{\"role\":\"user\",\"content\":[{content}]}}]}}";
        Assert.InRange(Scanned.Of(body).PromptBytes, content.Replace(" ", "").Length, body.Length);
    }

    [Fact]
    public void A_chat_prompt_is_tools_and_messages()
    {
        const string Function =
            "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"cache_control\":1}}}]";
        var turn = Turn("system", "s");
        var one = Scanned.Of($"{{\"model\":\"m\",\"messages\":[{turn}],{Function}}}", Dialect.OpenAiChat);
        var two = Scanned.Of(
            $"{{ {Function} , \"messages\" : [ {{\"role\":\"system\",\"content\": \"s\" }} ], \"model\":\"n\" }}",
            Dialect.OpenAiChat);
        Assert.Equal(one.Chain, two.Chain);
        Assert.Contains("cache_control", Function);
        var without = Function.Replace("\"cache_control\":1", "");
        Assert.NotEqual(
            one.Chain,
            Scanned.Of($"{{\"model\":\"m\",\"messages\":[{turn}],{without}}}", Dialect.OpenAiChat).Chain);
    }

    private static string Block(string text) => $"{{\"type\":\"text\",\"text\":\"{text}\"}}";

    private static string Turn(string role, string text) => $"{{\"role\":\"{role}\",\"content\":[{Block(text)}]}}";

    private static string Canonical(string body)
    {
        var scanned = Scanned.Of(body);
        Assert.Equal((null, ScanStatus.Complete), (scanned.Message, scanned.Status));
        return scanned.Chain;
    }

    /// <summary>White space on both sides of every structural character (none of which stands in a string here), or of
    /// those whose number <paramref name="where"/> picks.</summary>
    private static string Spaced(string body, string space, Func<int, bool>? where = null)
    {
        var count = 0;
        return string.Concat(body.Select(c =>
            !"{}[],:".Contains(c) || !(where?.Invoke(count++) ?? true) ? c.ToString() : $"{space}{c}{space}"));
    }
}
