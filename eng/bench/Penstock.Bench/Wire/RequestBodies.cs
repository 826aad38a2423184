using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Penstock.Bench.Wire;

/// <summary>Request bodies for POST /v1/messages, the same bytes in every run.</summary>
internal static class RequestBodies
{
    /// <summary>About what a turn of <see cref="Agent"/> takes: steps of this size differ by a turn.</summary>
    public const int TurnBytes = 3_200;

    private const string StreamMarker = "bench-events-";

    /// <summary>One short question, 200 bytes.</summary>
    public static byte[] Small { get; } = Padded(size: 200);

    /// <summary>One user message that is a single long string without escapes, 60,000 bytes.</summary>
    public static byte[] OneString { get; } = Padded(size: 60_000);

    /// <summary>
    /// What a coding agent sends: tools with schemas, system blocks with cache marks, then tool calls and results
    /// full of escaped quotes and line ends, until <paramref name="size"/> bytes are reached.
    /// </summary>
    public static byte[] Agent(int size)
    {
        var buffer = new ArrayBufferWriter<byte>(size + 8192);
        var options = new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using var json = new Utf8JsonWriter(buffer, options);
        json.WriteStartObject();
        json.WriteString("model", Answers.Model);
        json.WriteNumber("max_tokens", 4096);
        WriteTools(json, count: 16);
        WriteSystem(json);
        json.WriteStartArray("messages");
        WriteText(json, "user", "Find out why the nightly build of the turbine controller fails, and mend it.");
        for (var turn = 0; json.BytesCommitted + json.BytesPending < size; turn++)
            WriteTurn(json, turn);
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Asks the paced upstream for a stream; see <see cref="TryReadPace"/>.</summary>
    public static byte[] Stream(int events, int gapMilliseconds) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"model":"{{Answers.Model}}","max_tokens":256,"stream":true,"metadata":{"user_id":"{{
        StreamMarker}}{{events}}-{{gapMilliseconds}}"},"messages":[{"role":"user","content":"hello"}]}"""));

    /// <summary>
    /// Reads the pace out of a request: it travels in metadata.user_id, where every gateway leaves it alone. False
    /// for a request that asks for no stream of ours.
    /// </summary>
    public static bool TryReadPace(ReadOnlySpan<byte> body, out int events, out int gapMilliseconds)
    {
        events = gapMilliseconds = 0;
        var at = body.IndexOf("bench-events-"u8);
        if (at < 0)
            return false;
        var text = body[(at + StreamMarker.Length)..];
        return Utf8Parser.TryParse(text, out events, out var used)
            && used + 1 < text.Length
            && Utf8Parser.TryParse(text[(used + 1)..], out gapMilliseconds, out _);
    }

    private static byte[] Padded(int size)
    {
        const string Head =
            $$"""{"model":"{{Answers.Model}}","max_tokens":256,"messages":[{"role":"user","content":""" + "\"";
        const string Tail = "\"}]}";
        const string Words = "hello world ";
        var text = new StringBuilder(Head);
        while (text.Length < size - Tail.Length)
            text.Append(Words[(text.Length - Head.Length) % Words.Length]);
        return Encoding.UTF8.GetBytes(text.Append(Tail).ToString());
    }

    private static void WriteTools(Utf8JsonWriter json, int count)
    {
        json.WriteStartArray("tools");
        for (var i = 0; i < count; i++)
        {
            json.WriteStartObject();
            json.WriteString("name", string.Create(CultureInfo.InvariantCulture, $"workbench_action_{i}"));
            json.WriteString("description",
                "Runs one action in the user's workspace.\n\n- Paths are absolute.\n- Quote \"names with spaces\".\n"
                + "- Output longer than 30000 characters is cut in the middle, and the cut is marked.\n"
                + "- Do not use it to search: `search` is faster and respects the ignore file.");
            json.WriteStartObject("input_schema");
            json.WriteString("type", "object");
            json.WriteStartObject("properties");
            foreach (var name in (ReadOnlySpan<string>)["file_path", "pattern", "replacement", "timeout_ms"])
            {
                json.WriteStartObject(name);
                json.WriteString("type", name == "timeout_ms" ? "number" : "string");
                json.WriteString("description", $"The {name} that the action works on, as written by the user.");
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteStartArray("required");
            json.WriteStringValue("file_path");
            json.WriteEndArray();
            json.WriteBoolean("additionalProperties", false);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteSystem(Utf8JsonWriter json)
    {
        var rules = string.Concat(Enumerable.Repeat(
            "# Working here\n - Say what you changed, then stop.\n - Never invent a path; list the folder first.\n"
            + " - Keep the user's words (\"nightly\", \"controller\") as they are.\n", 16));
        json.WriteStartArray("system");
        foreach (var text in (ReadOnlySpan<string>)["You help an engineer at a terminal.", rules])
        {
            json.WriteStartObject();
            json.WriteString("type", "text");
            json.WriteString("text", text);
            json.WriteStartObject("cache_control");
            json.WriteString("type", "ephemeral");
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteTurn(Utf8JsonWriter json, int turn)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"toolu_bench_{turn:d6}");
        json.WriteStartObject();
        json.WriteString("role", "assistant");
        json.WriteStartArray("content");
        json.WriteStartObject();
        json.WriteString("type", "tool_use");
        json.WriteString("id", id);
        json.WriteString("name", "workbench_action_3");
        json.WriteStartObject("input");
        json.WriteString("file_path", string.Create(CultureInfo.InvariantCulture, $"/srv/plant/src/gate_{turn}.c"));
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();

        json.WriteStartObject();
        json.WriteString("role", "user");
        json.WriteStartArray("content");
        json.WriteStartObject();
        json.WriteString("type", "tool_result");
        json.WriteString("tool_use_id", id);
        json.WriteString("content", Listing(turn));
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter json, string role, string text)
    {
        json.WriteStartObject();
        json.WriteString("role", role);
        json.WriteString("content", text);
        json.WriteEndObject();
    }

    private static string Listing(int turn)
    {
        var text = new StringBuilder();
        for (var line = 1; line <= 32; line++)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{line,6}\tif (gate[{turn}].level > limit_{line}) log(\"gate {turn}: %d\\n\", gate[{turn}].level);\n");
        }

        return text.ToString();
    }
}
