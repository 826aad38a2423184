using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Models;
using Penstock.Tests.Shared;
using Penstock.Wire.Scan;

namespace Penstock.Wire.Tests.Scan;

public class ScanFuzzTests
{
    private const string Anthropic =
        """
        {"model":"cl\u0061ude-日本-\ud83d\ude00","max_tokens": 64 ,"stream":true, "system":"a \"b\" \\ c",
         "tools":[{"name":"t","cache_control":{"type":"ephemeral"},"input_schema":{"a":[1,-2.5e+3,0,null]}}],
         "messages" : [ {"role":"user","content":"h\ni"}, {"role":"user","content":[
           {"cache_control":{"a":{}},"type":"text","text":"é"},{"type":"text","text":"x","cache_control":null}, { }]}],
         "metadata":{"model":1,"model":[true,false]},"x\u0000":1E400}
        """;

    private const string Chat =
        """
        {"stream_options":{"include_usage" : true,"a":{"include_usage":1}},"messages":[{"role":"system","content":"s"},
         {"role":"user","content":[{"type":"text","text":"t"}]}],"tools":null,"model":"m","max_tokens":5,
         "max_completion_tokens":7,"stream":false,"temperature":0.1}
        """;

    private static readonly string[] Pieces =
    [
        "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "1", "-", "0", "e", ".", "null", "true", "\"model\":",
        "{}", "[]", "\"stream\":null,", "\"max_tokens\":-1,", "\"\\ud800\":1,", "\\u00", "\"cache_control\":1,",
        "\uFEFF", "é", "\"mo\\u0064el\":\"z\",", "\"messages\":[],", "\0", "\u007f",
    ];

    public static TheoryData<string, Dialect> Bodies => new()
    {
        { Anthropic, Dialect.Anthropic },
        { Chat, Dialect.OpenAiChat },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public void The_cut_of_the_pieces_makes_no_difference(string text, Dialect dialect)
    {
        var body = Encoding.UTF8.GetBytes(text);
        var whole = Scanned.Of(body, dialect);
        Assert.Equal((null, ScanStatus.Complete), (whole.Message, whole.Status));
        for (var cut = 0; cut <= body.Length; cut++)
        {
            Assert.Equal(whole, Scanned.Of(body, dialect, cuts: [cut]));
        }

        Assert.Equal(whole, Scanned.Of(body, dialect, cuts: [.. Enumerable.Range(0, body.Length + 1)]));
        for (var first = 0; first <= body.Length; first += 7)
        {
            for (var second = first; second <= body.Length; second += 5)
            {
                Assert.Equal(whole, Scanned.Of(body, dialect, cuts: [first, second]));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Exactly_what_is_right_is_accepted(string text, Dialect dialect)
    {
        Assert.True(Oracle.Accepts(Encoding.UTF8.GetBytes(text), dialect));
        var accepted = 0;
        Prop.ForAll(Arb.From(Mutants(text)), body =>
        {
            var expected = Oracle.Accepts(body, dialect);
            var scanned = Scanned.Of(body, dialect);
            accepted += expected ? 1 : 0;
            Assert.True(
                expected == (scanned.Status == ScanStatus.Complete),
                $"{(expected ? "refused" : "accepted")}: {scanned.Message} {Encoding.UTF8.GetString(body)}");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(6_000).WithEndSize(6));
        Assert.InRange(accepted, 300, 5_700);
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public void A_mutant_that_arrives_in_pieces_comes_to_the_same_end(string text, Dialect dialect) =>
        Prop.ForAll(Arb.From(Mutants(text)), Arb.From(Gen.Choose(0, 1_000)), (body, at) =>
        {
            var whole = Scanned.Of(body, dialect);
            var cut = at % (body.Length + 1);
            Assert.Equal(whole, Scanned.Of(body, dialect, cuts: [cut]));
            Assert.Equal(whole.Status, Scanned.Of(body, dialect, cuts: [cut / 2, cut]).Status);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000).WithEndSize(6));

    [Fact]
    public void No_byte_of_a_string_or_of_white_space_is_looked_at_twice()
    {
        // One byte at a time, and what was looked at is made into what no JSON may have: whoever looks back fails.
        const int Kept = 6;
        var run = new string('a', 50) + "\\n" + new string('b', 50) + "\\u00e9";
        var text = "{ \"k\" : [ \"" + string.Concat(Enumerable.Repeat(run, 20)) + "\" , "
            + new string(' ', 500) + " -12 , true , false ,\t null , \"x\" , {} ] }";
        var body = Encoding.UTF8.GetBytes(text);
        var scanner = new JsonScanner(8);
        scanner.Reset();
        var tokens = new List<JsonToken>();
        for (var length = 1; length <= body.Length; length++)
        {
            body.AsSpan(0, Math.Max(0, length - 1 - Kept)).Fill(1);
            JsonToken token;
            while ((token = scanner.Next(body.AsSpan(0, length), length == body.Length))
                is not (JsonToken.NeedMore or JsonToken.End))
            {
                Assert.True(token != JsonToken.Error, scanner.Error);
                tokens.Add(token);
            }
        }

        Assert.Equal(
            [JsonToken.String, JsonToken.Number, JsonToken.True, JsonToken.False, JsonToken.Null, JsonToken.String],
            tokens.Where(t => t is >= JsonToken.String and <= JsonToken.Null));
    }

    [Fact]
    public void A_scan_allocates_nothing_but_the_name_of_the_model()
    {
        var body = Encoding.UTF8.GetBytes(Anthropic);
        var scan = new BodyScan(64);
        Run(scan, body, 3);
        Assert.InRange(Allocation.Of(() => Run(scan, body, 100)) / 100, 1, 128);
    }

    private static void Run(BodyScan scan, byte[] body, int times)
    {
        for (var i = 0; i < times; i++)
        {
            scan.Start(Dialect.Anthropic, isCount: false);
            scan.Advance(body.AsSpan(0, 100), isFinal: false);
            scan.Advance(body, isFinal: true);
        }
    }

    private static Gen<byte[]> Mutants(string text)
    {
        var body = Encoding.UTF8.GetBytes(text);
        return
            from count in Gen.Choose(1, 3)
            from edits in Gen.ArrayOf(
                from kind in Gen.Choose(0, 4)
                from at in Gen.Choose(0, body.Length - 1)
                from length in Gen.Choose(0, 20)
                from value in Gen.Choose(0, 255)
                select (kind, at, length, value), count)
            select edits.Aggregate(body, Mutate);
    }

    private static byte[] Mutate(byte[] body, (int Kind, int At, int Length, int Value) edit)
    {
        var at = Math.Min(edit.At, body.Length);
        var end = Math.Min(at + edit.Length, body.Length);
        return edit.Kind switch
        {
            0 => [.. body[..at], (byte)edit.Value, .. body[Math.Min(at + 1, body.Length)..]],
            1 => [.. body[..at], .. Encoding.UTF8.GetBytes(Pieces[edit.Value % Pieces.Length]), .. body[at..]],
            2 => [.. body[..at], .. body[end..]],
            3 => [.. body[..at], .. body[at..end], .. body[at..]],
            _ => [.. body[..at], .. Encoding.UTF8.GetBytes(Pieces[edit.Value % Pieces.Length]), .. body[end..]],
        };
    }
}
