using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Wire.Tests.Turns;

/// <summary>The translations as one call each, on text.</summary>
internal static partial class Translate
{
    public static readonly TranslationSettings Settings = new()
    {
        ClientModel = "shown",
        AnswerId = "01",
        CreatedUnixSeconds = 1_700_000_000,
        EngineModel = "served",
    };

    public static readonly DialectPair AnthropicToChat = DialectPair.Of(Dialect.Anthropic, Dialect.OpenAiChat);
    public static readonly DialectPair ChatToAnthropic = DialectPair.Of(Dialect.OpenAiChat, Dialect.Anthropic);

    public static string Request(DialectPair pair, string body, TranslationSettings? settings = null)
    {
        var output = new ArrayBufferWriter<byte>();
        var failure = pair.TranslateRequest(Encoding.UTF8.GetBytes(body), settings ?? Settings, output, out _);
        Assert.Null(failure);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    public static Failure RequestFailure(DialectPair pair, string body)
    {
        var failure = pair.TranslateRequest(
            Encoding.UTF8.GetBytes(body), Settings, new ArrayBufferWriter<byte>(), out _);
        Assert.NotNull(failure);
        return failure;
    }

    public static string Response(
        DialectPair pair, string body, out TokenUsage usage, TranslationSettings? settings = null)
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.Null(pair.TranslateResponse(Encoding.UTF8.GetBytes(body), settings ?? Settings, output, out usage));
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    /// <summary>Translates a stream given in pieces of the given sizes, the last size repeated.</summary>
    public static string Stream(
        DialectPair pair, byte[] bytes, TranslationSettings settings, out StreamTranslation stream, params int[] sizes)
    {
        stream = pair.Stream(settings);
        var output = new ArrayBufferWriter<byte>();
        var at = 0;
        for (var i = 0; at < bytes.Length; i++)
        {
            var size = sizes.Length == 0 ? bytes.Length : sizes[Math.Min(i, sizes.Length - 1)];
            size = Math.Min(size, bytes.Length - at);
            stream.Push(bytes.AsSpan(at, size), output);
            at += size;
        }

        stream.Complete(output);
        stream.Dispose();
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    public static string Stream(DialectPair pair, string text, TranslationSettings? settings = null) =>
        Stream(pair, Encoding.UTF8.GetBytes(Glue(text)), settings ?? Settings, out _);

    /// <summary>The text with lines that end in a backslash joined to the next one, its indentation dropped.</summary>
    public static string Glue(string text) => LineBreak().Replace(text, "");

    /// <summary>Asserts that two JSON texts say the same; on failure shows both in one form.</summary>
    public static void AssertJson(string expected, string actual)
    {
        var options = new JsonSerializerOptions { WriteIndented = true };
        var wanted = JsonNode.Parse(expected)!;
        var got = JsonNode.Parse(actual)!;
        if (!JsonNode.DeepEquals(wanted, got))
        {
            Assert.Equal(wanted.ToJsonString(options), got.ToJsonString(options));
        }
    }

    [GeneratedRegex(@"\\\n *")]
    private static partial Regex LineBreak();
}
