using System.Text;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Scan;

namespace Penstock.Wire.Tests.Scan;

public class BodyScanTests
{
    private static readonly string[] AnthropicMembers =
    [
        "\"model\": \"claude-x\"", "\"max_tokens\": 64", "\"stream\": true", "\"system\": \"be brief\"",
        "\"tools\": [{\"name\":\"t\",\"input_schema\":{}}]", "\"messages\": [{\"role\":\"user\",\"content\":\"hi\"}]",
        "\"metadata\": {\"model\":\"not this\",\"stream\":1,\"messages\":null}",
    ];

    private static readonly string[] ChatMembers =
    [
        "\"model\": \"gpt-x\"", "\"max_completion_tokens\": 64", "\"stream\": true", "\"tools\": null",
        "\"stream_options\": {\"x\":{\"include_usage\":false},\"include_usage\":true}",
        "\"messages\": [{\"role\":\"user\",\"content\":\"hi\"}]", "\"system\": 5",
    ];

    [Fact]
    public void The_members_are_found_wherever_they_stand()
    {
        for (var turn = 0; turn < AnthropicMembers.Length; turn++)
        {
            var body = Body([.. AnthropicMembers[turn..], .. AnthropicMembers[..turn]]);
            var scanned = Scanned.Of(body);
            Assert.Null(scanned.Message);
            Assert.Equal("claude-x", scanned.Model);
            Assert.Equal("\"claude-x\"", Text(body, scanned.ModelRange));
            Assert.Equal(new Flags(true, 64, default, default, false, true), scanned.Flags);
        }
    }

    [Fact]
    public void The_members_of_a_chat_body_are_found_wherever_they_stand()
    {
        for (var turn = 0; turn < ChatMembers.Length; turn++)
        {
            var body = Body([.. ChatMembers[turn..], .. ChatMembers[..turn]]);
            var scanned = Scanned.Of(body, Dialect.OpenAiChat);
            Assert.Null(scanned.Message);
            Assert.Equal(("gpt-x", 64, true, false), (
                scanned.Model, scanned.Flags.MaxTokens, scanned.Flags.Stream, scanned.Flags.HasTools));
            Assert.True(scanned.Flags.WantsUsage);
            Assert.Equal("true", Text(body, scanned.Flags.IncludeUsage));
            Assert.StartsWith("{\"x\":", Text(body, scanned.Flags.StreamOptions));
            Assert.EndsWith(":true}", Text(body, scanned.Flags.StreamOptions));
        }
    }

    /// <summary>Else the engine would be told twice, and a stream go unmetered by what it says last.</summary>
    [Fact]
    public void The_wish_for_usage_is_found_under_an_escaped_name()
    {
        const string body =
            "{\"model\":\"a\",\"messages\":[],\"stream\":true,\"stream_options\":{\"include_us\\u0061ge\":false}}";
        var scanned = Scanned.Of(body, Dialect.OpenAiChat);
        Assert.Equal("false", Text(body, scanned.Flags.IncludeUsage));
    }

    [Theory]
    [InlineData("{\"mod\\u0065l\":\"a\\u0062\\n\\\"\",\"messages\":[],\"max_tokens\":1}", "ab\n\"")]
    [InlineData("{\"\\u006dodel\":\"\\ud83d\\ude00\",\"messages\":[],\"max_tokens\":1}", "\U0001F600")]
    [InlineData("{\"model\":\"日本\",\"mess\\u0061ges\":[],\"max\\u005Ftokens\":1}", "日本")]
    [InlineData("{\"model\":\"\",\"messages\":[],\"max_tokens\":1}", "")]
    public void Names_and_models_may_be_escaped(string body, string model)
    {
        var scanned = Scanned.Of(body);
        Assert.Null(scanned.Message);
        Assert.Equal(model, scanned.Model);
    }

    [Theory]
    [InlineData("{\"model\":\"a\",\"model\":\"b\",\"messages\":[],\"max_tokens\":1}", "model")]
    [InlineData("{\"model\":\"a\",\"messages\":[],\"max_tokens\":1,\"mod\\u0065l\":\"b\"}", "model")]
    [InlineData("{\"model\":\"a\",\"messages\":[],\"messages\":[],\"max_tokens\":1}", "messages")]
    [InlineData("{\"model\":\"a\",\"messages\":[],\"max_tokens\":1,\"max_tokens\":1}", "max_tokens")]
    [InlineData("{\"stream\":false,\"model\":\"a\",\"messages\":[],\"max_tokens\":1,\"stream\":true}", "stream")]
    public void A_member_given_twice_is_refused(string body, string name)
    {
        var scanned = Scanned.Of(body);
        Assert.Equal($"{name}: given twice", scanned.Message);
        Assert.Equal(name, scanned.Param);
    }

    [Theory]
    [InlineData("model", "5", "a string")]
    [InlineData("model", "null", "a string")]
    [InlineData("model", "[\"x\"]", "a string")]
    [InlineData("stream", "\"true\"", "a boolean")]
    [InlineData("stream", "1", "a boolean")]
    [InlineData("stream", "null", "a boolean")]
    [InlineData("max_tokens", "-1", "a whole number, 0 or more")]
    [InlineData("max_tokens", "1.0", "a whole number, 0 or more")]
    [InlineData("max_tokens", "1e2", "a whole number, 0 or more")]
    [InlineData("max_tokens", "9223372036854775808", "a whole number, 0 or more")]
    [InlineData("max_tokens", "1e999999999", "a whole number, 0 or more")]
    [InlineData("max_tokens", "\"5\"", "a whole number, 0 or more")]
    [InlineData("max_tokens", "null", "a whole number, 0 or more")]
    [InlineData("messages", "{}", "an array")]
    [InlineData("messages", "\"hi\"", "an array")]
    [InlineData("tools", "{}", "an array")]
    [InlineData("tools", "null", "an array")]
    [InlineData("system", "5", "a string or an array")]
    [InlineData("system", "{}", "a string or an array")]
    public void A_wrong_type_is_refused_by_name(string name, string value, string wanted)
    {
        var members = AnthropicMembers.Where(m => !m.StartsWith($"\"{name}\"", StringComparison.Ordinal));
        var scanned = Scanned.Of(Body([.. members, $"\"{name}\":{value}"]));
        Assert.Equal((ScanStatus.Failed, name), (scanned.Status, scanned.Param));
        Assert.Equal($"{name}: Input should be {wanted}", scanned.Message);
    }

    [Theory]
    [InlineData("stream_options", "true")]
    [InlineData("stream_options", "[]")]
    [InlineData("stream_options", "{\"include_usage\":{}}")]
    [InlineData("stream_options", "{\"include_usage\":1}")]
    [InlineData("max_completion_tokens", "\"64\"")]
    [InlineData("max_tokens", "1.5")]
    public void A_wrong_type_in_a_chat_body_is_refused_by_name(string name, string value)
    {
        var scanned = Scanned.Of($"{{\"model\":\"m\",\"messages\":[],\"{name}\":{value}}}", Dialect.OpenAiChat);
        Assert.Equal((ScanStatus.Failed, name), (scanned.Status, scanned.Param));
    }

    [Theory]
    [InlineData("\"max_tokens\":5,\"max_completion_tokens\":7", 7)]
    [InlineData("\"max_completion_tokens\":7,\"max_tokens\":5", 7)]
    [InlineData("\"max_completion_tokens\":null,\"max_tokens\":5", 5)]
    [InlineData("\"max_tokens\":null", -1)]
    [InlineData("\"max_tokens\":0", 0)]
    public void The_newer_bound_on_tokens_counts_whatever_the_order(string bounds, long expected)
    {
        var scanned = Scanned.Of($"{{\"model\":\"m\",\"messages\":[],{bounds}}}", Dialect.OpenAiChat);
        Assert.Equal(expected, scanned.Flags.MaxTokens);
    }

    [Fact]
    public void What_only_the_other_dialect_knows_is_not_looked_at()
    {
        const string Chat = "{\"model\":\"m\",\"messages\":[],\"system\":{},\"system\":1}";
        Assert.Null(Scanned.Of(Chat, Dialect.OpenAiChat).Message);
        var scanned = Scanned.Of(
            Body([.. AnthropicMembers, "\"stream_options\":1", "\"max_completion_tokens\":\"x\""]));
        Assert.Equal((null, 64), (scanned.Message, scanned.Flags.MaxTokens));
    }

    [Theory]
    [InlineData("{}", "model")]
    [InlineData("{\"model\":\"m\"}", "messages")]
    [InlineData("{\"model\":\"m\",\"messages\":[]}", "max_tokens")]
    public void What_is_missing_is_named(string body, string name)
    {
        var scanned = Scanned.Of(body);
        Assert.Equal(($"{name}: Field required", name), (scanned.Message, scanned.Param));
    }

    [Fact]
    public void Only_a_messages_call_needs_a_bound_on_its_tokens()
    {
        const string Body = "{\"model\":\"m\",\"messages\":[]}";
        Assert.Equal(ScanStatus.Failed, Scanned.Of(Body).Status);
        Assert.Equal(ScanStatus.Complete, Scanned.Of(Body, isCount: true).Status);
        Assert.Equal(ScanStatus.Complete, Scanned.Of(Body, Dialect.OpenAiChat).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"model\"")]
    [InlineData("{\"model\":\"m\"")]
    [InlineData("{\"model\":\"m\",}")]
    [InlineData("{\"model\" \"m\"}")]
    [InlineData("{\"model\":\"m\" \"messages\":[]}")]
    [InlineData("{\"a\":[1,]}")]
    [InlineData("{\"a\":[1}")]
    [InlineData("{\"a\":01}")]
    [InlineData("{\"a\":-}")]
    [InlineData("{\"a\":1.}")]
    [InlineData("{\"a\":.5}")]
    [InlineData("{\"a\":1e}")]
    [InlineData("{\"a\":+1}")]
    [InlineData("{\"a\":NaN}")]
    [InlineData("{\"a\":Infinity}")]
    [InlineData("{\"a\":tru}")]
    [InlineData("{\"a\":truee}")]
    [InlineData("{\"a\":\"\t\"}")]
    [InlineData("{\"a\":\"\\x\"}")]
    [InlineData("{\"a\":\"\\u12g4\"}")]
    [InlineData("{'a':1}")]
    [InlineData("{a:1}")]
    [InlineData("{\"a\":1/*c*/}")]
    [InlineData("\uFEFF{\"model\":\"m\",\"messages\":[],\"max_tokens\":1}")]
    [InlineData("{\"model\":\"m\",\"messages\":[],\"max_tokens\":1} x")]
    [InlineData("{\"model\":\"m\",\"messages\":[],\"max_tokens\":1}{}")]
    [InlineData("{\"model\":\"m\",\"messages\":[],\"max_tokens\":1}]")]
    [InlineData("{\"model\":\"m\",\"messages\":[],\"max_tokens\":1}\0")]
    public void What_is_not_one_JSON_object_is_refused(string body)
    {
        var scanned = Scanned.Of(body);
        Assert.Equal(ScanStatus.Failed, scanned.Status);
        Assert.Null(scanned.Param);
    }

    [Fact]
    public void An_error_says_where_it_is() =>
        Assert.Equal("invalid JSON at byte 5: a value was expected", Scanned.Of("{\"a\":nul}").Message);

    [Theory]
    [InlineData(new byte[] { 0xFF })]
    [InlineData(new byte[] { 0xC0, 0x80 })]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })]
    [InlineData(new byte[] { 0xE2, 0x82 })]
    [InlineData(new byte[] { 0xF5, 0x80, 0x80, 0x80 })]
    public void Bytes_that_are_not_UTF8_are_refused(byte[] bad)
    {
        byte[] body =
        [
            .. "{\"max_tokens\":1,\"messages\":[],\"model\":\""u8, .. bad, .. "\"}"u8,
        ];
        Assert.Equal("the body is not valid UTF-8", Scanned.Of(body).Message);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(64)]
    [InlineData(1_024)]
    public void Nesting_goes_as_deep_as_allowed_and_no_deeper(int depthMax)
    {
        Assert.Equal(ScanStatus.Complete, Nested(depthMax, depthMax).Status);
        var refused = Nested(depthMax + 1, depthMax);
        Assert.EndsWith($"nested deeper than {depthMax} levels", refused.Message);
    }

    [Fact]
    public void A_number_of_absurd_length_is_refused()
    {
        Assert.Null(Scanned.Of(Body([.. AnthropicMembers, $"\"x\":{new string('1', 1_024)}"])).Message);
        var refused = Scanned.Of(Body([.. AnthropicMembers, $"\"x\":{new string('1', 1_025)}"]));
        Assert.EndsWith("a number that is too long", refused.Message);
    }

    [Fact]
    public void A_refused_body_stays_refused_and_a_scan_can_be_used_again()
    {
        var scan = new BodyScan(64);
        scan.Start(Dialect.Anthropic, isCount: false);
        Assert.Equal(ScanStatus.Failed, scan.Advance("{]"u8, isFinal: false));
        Assert.Equal(ScanStatus.Failed, scan.Advance("{]}"u8, isFinal: true));
        Assert.Equal(FailureKind.InvalidRequest, scan.Failure!.Kind);
        scan.Start(Dialect.Anthropic, isCount: false);
        var body = Encoding.UTF8.GetBytes(Body(AnthropicMembers));
        Assert.Equal(
            Scanned.Of(body), Scanned.From(scan, scan.Advance(body, isFinal: true), body));
    }

    private static Scanned Nested(int depth, int depthMax)
    {
        // The body itself is the first level.
        var value = new string('[', depth - 1) + new string(']', depth - 1);
        return Scanned.Of(
            Encoding.UTF8.GetBytes($"{{\"model\":\"m\",\"max_tokens\":1,\"messages\":[],\"x\":{value}}}"),
            depthMax: depthMax);
    }

    private static string Body(IEnumerable<string> members) => $"{{ {string.Join(" , ", members)} }}";

    private static string Text(string body, ValueRange range) => body[range.Start..range.End];
}
