using System.Globalization;
using System.IO.Compression;
using System.Text;
using Penstock.Core.Config;
using Penstock.Core.Models;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>Whatever comes in: a clear refusal or a closed connection, no engine asked, nobody else harmed.</summary>
public class BadInputTests
{
    private const int Refused = 400;

    private static readonly string Deep = new string('[', 300) + new string(']', 300);

    private static readonly Dictionary<string, (string Body, string Says)> Broken = new()
    {
        ["nothing"] = ("", ""),
        ["not JSON"] = ("hello", ""),
        ["cut off"] = ("{\"model\":\"claude-test\",\"max_tokens\":1,\"messages\":[", ""),
        ["an array"] = ("[]", "object"),
        ["more after the end"] = (Good("") + "x", ""),
        ["no model"] = ("{\"max_tokens\":1,\"messages\":[]}", "model: Field required"),
        ["no messages"] = ("{\"model\":\"claude-test\",\"max_tokens\":1}", "messages: Field required"),
        ["model of a wrong type"] = ("{\"model\":7,\"max_tokens\":1,\"messages\":[]}", "model: Input should be"),
        ["messages of a wrong type"] = ("{\"model\":\"claude-test\",\"max_tokens\":1,\"messages\":{}}", "messages:"),
        ["stream of a wrong type"] = (Good("\"stream\":\"yes\","), "stream:"),
        ["model given twice"] = (Good("\"model\":\"x\","), "model: given twice"),
        ["messages given twice"] = (Good("\"messages\":[],"), "messages: given twice"),
        ["absurd number"] = (Good("", "1e999"), "max_tokens:"),
        ["negative number"] = (Good("", "-1"), "max_tokens:"),
        ["fraction"] = (Good("", "1.5"), "max_tokens:"),
        ["number with leading zero"] = (Good("\"x\":01,"), ""),
        ["not a number"] = (Good("\"x\":NaN,"), ""),
        ["too deep"] = (Good($"\"x\":{Deep},"), ""),
        ["control character"] = (Good("\"x\":\"\u0001\","), ""),
    };

    public static MatrixTheoryData<string, Dialect> BodiesAndDialects =>
        new(Broken.Keys, [Dialect.Anthropic, Dialect.OpenAiChat]);

    public static TheoryData<string, string, string> Encodings => new()
    {
        { "unknown", "compress", "not supported" },
        { "two at once", "gzip, br", "not supported" },
        { "no gzip", "gzip", "not valid gzip" },
        { "no deflate", "deflate", "not valid deflate" },
        { "no brotli", "br", "not valid br" },
    };

    [Theory, MemberData(nameof(BodiesAndDialects))]
    public async Task A_bad_body_is_refused_in_the_callers_dialect_and_reaches_no_engine(string name, Dialect dialect)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var asked = engine.Requests.Count;
        var (body, says) = Broken[name];
        AssertRefusal(await gateway.AskAsync(Bodies.PathOf(dialect), body), dialect, Refused, says);
        Assert.Equal(asked, engine.Requests.Count);
        await AssertServesAsync(gateway);
    }

    [Theory]
    [InlineData(Dialect.Anthropic)]
    [InlineData(Dialect.OpenAiChat)]
    public async Task Bytes_that_are_no_text_are_refused(Dialect dialect)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        foreach (var bad in new byte[][] { [0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80] })
        {
            byte[] body = [.. "{\"x\":\""u8, .. bad, .. "\","u8, .. Encoding.UTF8.GetBytes(Good("")[1..])];
            using var response = await gateway.SendAsync(Bodies.PathOf(dialect), body);
            AssertRefusal(await Answer.ReadAsync(response), dialect, Refused, "");
        }

        await AssertServesAsync(gateway);
    }

    [Theory]
    [InlineData("9223372036854775807")]
    [InlineData("999999999999999")]
    [InlineData("0")]
    public async Task A_wish_for_absurdly_many_tokens_upsets_no_sum(string tokens)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ => Assert.Equal(
            200, (await gateway.AskAsync(Bodies.Messages, Good("", tokens))).Status)));
        Assert.Equal(8, (await gateway.CloseBooksAsync()).Count(b => b.Booked is ["r0 completed"]));
    }

    [Theory]
    [InlineData(Dialect.Anthropic, true)]
    [InlineData(Dialect.OpenAiChat, true)]
    [InlineData(Dialect.Anthropic, false)]
    [InlineData(Dialect.OpenAiChat, false)]
    public async Task Too_large_a_body_is_refused_and_its_connection_closed(Dialect dialect, bool chunked)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(SmallBodies, engine);
        await using var client = new RawClient(gateway.Url);
        var path = Bodies.PathOf(dialect);
        if (chunked)
        {
            await client.SendAsync(RawClient.Head(path, "transfer-encoding: chunked\r\n")
                + "1001\r\n" + new string(' ', 0x1001) + "\r\n");
        }
        else
        {
            await client.SendAsync(RawClient.Head(path, "content-length: 4097\r\n"));
        }

        var answer = await client.ReadAnswerAsync();
        Assert.Equal(413, answer.Status);
        Assert.Contains(
            dialect == Dialect.Anthropic ? "\"request_too_large\"" : "\"code\":\"request_too_large\"", answer.Text);
        Assert.Equal("close", answer.Header("connection"));
        Assert.Equal(0, await client.DrainAsync());
        await AssertServesAsync(gateway);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task A_packed_body_is_unpacked_within_the_limit(string encoding)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(SmallBodies, engine);
        using var good = await gateway.SendAsync(
            Bodies.Messages, Pack(encoding, Good("")), ("content-encoding", encoding));
        Assert.Equal(200, (int)good.StatusCode);
        var received = engine.To("POST /v1/messages").Last();
        Assert.Equal(Good(""), received.BodyText);
        Assert.Null(received.Header("content-encoding"));
        using var bomb = await gateway.SendAsync(
            Bodies.Messages, Pack(encoding, new string(' ', 5_000_000)), ("content-encoding", encoding));
        AssertRefusal(await Answer.ReadAsync(bomb), Dialect.Anthropic, 413, "");
        using var cut = await gateway.SendAsync(
            Bodies.Messages, Pack(encoding, Good(""))[..^40], ("content-encoding", encoding));
        AssertRefusal(await Answer.ReadAsync(cut), Dialect.Anthropic, Refused, "");
        await AssertServesAsync(gateway);
    }

    [Theory, MemberData(nameof(Encodings))]
    public async Task A_body_whose_encoding_is_not_what_it_says_is_refused(string name, string encoding, string says)
    {
        Assert.NotEmpty(name);
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var answer = await gateway.AskAsync(Bodies.Messages, Good(""), ("content-encoding", encoding));
        AssertRefusal(answer, Dialect.Anthropic, Refused, says);
        await AssertServesAsync(gateway);
    }

    [Fact]
    public async Task A_body_that_arrives_one_byte_at_a_time_is_read()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        await using var client = new RawClient(gateway.Url);
        var request = RawClient.Post(Bodies.Messages, Good(""));
        foreach (var letter in request)
        {
            await client.SendAsync(letter.ToString());
        }

        Assert.Equal(200, (await client.ReadAnswerAsync()).Status);
        await client.SendAsync(RawClient.Head(Bodies.Messages, "transfer-encoding: chunked\r\n"));
        foreach (var letter in Good(""))
        {
            await client.SendAsync($"1\r\n{letter}\r\n");
        }

        await client.SendAsync("0\r\n\r\n");
        Assert.Equal(200, (await client.ReadAnswerAsync()).Status);
        Assert.Equal(Good(""), engine.To("POST /v1/messages").Last().BodyText);
    }

    [Fact]
    public async Task Requests_sent_all_at_once_are_answered_one_after_the_other()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        await using var client = new RawClient(gateway.Url);
        var chat = Bodies.Of(Dialect.OpenAiChat, stream: true);
        await client.SendAsync(
            RawClient.Post(Bodies.Messages, Good("")) + RawClient.Post(Bodies.Messages, "nonsense")
            + RawClient.Post(Bodies.Chat, chat) + RawClient.Post(Bodies.Messages, Good("")));
        int[] statuses = [200, 400, 200, 200];
        foreach (var status in statuses)
        {
            Assert.Equal(status, (await client.ReadAnswerAsync()).Status);
        }
    }

    [Theory]
    [InlineData("ten thousand headers")]
    [InlineData("a huge header")]
    [InlineData("no HTTP")]
    [InlineData("two lengths")]
    [InlineData("a length below zero")]
    [InlineData("nonsense chunks")]
    [InlineData("length and chunks")]
    public async Task Broken_HTTP_is_refused_or_the_connection_closed(string name)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var asked = engine.Requests.Count;
        var path = Bodies.Messages;
        await using var client = new RawClient(gateway.Url);
        await client.SendAsync(name switch
        {
            "ten thousand headers" => RawClient.Head(path, string.Concat(
                Enumerable.Range(0, 10_000).Select(i => string.Create(CultureInfo.InvariantCulture, $"x{i}: 1\r\n")))),
            "a huge header" => RawClient.Head(path, $"x: {new string('a', 200_000)}\r\n"),
            "no HTTP" => "\u0016\u0003\u0001 hello\r\n\r\n",
            "two lengths" => RawClient.Head(path, "content-length: 5\r\ncontent-length: 6\r\n") + "{}    ",
            "a length below zero" => RawClient.Head(path, "content-length: -5\r\n"),
            "nonsense chunks" => RawClient.Head(path, "transfer-encoding: chunked\r\n") + "zz\r\n{}\r\n",
            _ => RawClient.Head(path, "content-length: 3\r\ntransfer-encoding: chunked\r\n") + "zz\r\n",
        });
        var answer = await client.ReadAnswerAsync();
        Assert.Contains(answer.Status, (int[])[0, 400, 431]);
        Assert.Equal(0, await client.DrainAsync());
        Assert.Equal(asked, engine.Requests.Count);
        await AssertServesAsync(gateway);
    }

    private static string Good(string more, string tokens = "1") =>
        $$$"""{"model":"{{{RunningGateway.Model}}}",{{{more}}}"max_tokens":{{{tokens}}},"messages":[]}""";

    private static PenstockConfig SmallBodies(PenstockConfig document) =>
        document with { Limits = document.Limits with { BodyMax = new ByteSize(4096) } };

    private static byte[] Pack(string encoding, string text)
    {
        using var packed = new MemoryStream();
        using (Stream packer = encoding switch
        {
            "gzip" => new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            "br" => new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            _ => new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true),
        })
        {
            packer.Write(Encoding.UTF8.GetBytes(text));
        }

        return packed.ToArray();
    }

    private static void AssertRefusal(Answer answer, Dialect dialect, int status, string says)
    {
        Assert.Equal(status, answer.Status);
        var json = answer.Json();
        Assert.Contains(says, json.GetProperty("error").GetProperty("message").GetString());
        if (dialect == Dialect.Anthropic)
        {
            Assert.Equal("error", json.GetProperty("type").GetString());
            Assert.Equal(answer.Header("request-id"), json.GetProperty("request_id").GetString());
        }
        else
        {
            Assert.Equal("invalid_request_error", answer.ErrorType);
            Assert.NotNull(answer.Header("x-request-id"));
        }
    }

    private static async Task AssertServesAsync(RunningGateway gateway)
    {
        Assert.Equal(200, (await gateway.AskAsync(Bodies.Messages, Good(""))).Status);
        Assert.Equal("r0 completed", (await gateway.CloseBooksAsync())[^1].Booked[^1]);
    }
}
