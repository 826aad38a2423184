using System.Globalization;
using System.Text;

namespace Penstock.Bench.Wire;

/// <summary>
/// One Anthropic event stream of a given number of events, the same bytes every time: what the upstream sends, and
/// what a load client must therefore receive.
/// </summary>
internal sealed class StreamScript
{
    /// <summary>Framing that is not text: two opening events and three closing ones.</summary>
    public const int EventsMin = 6;

    private static readonly Dictionary<int, StreamScript> Known = [];

    private StreamScript(int events, bool held)
    {
        var names = new List<string>();
        for (var i = 0; i < events; i++)
            names.Add(Event(i, events));
        if (held)
            names = names[..1];

        Payload = Encoding.UTF8.GetBytes(string.Concat(names));
        var head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
            + "transfer-encoding: chunked\r\n\r\n";
        var wire = new StringBuilder(head);
        EventEnds = new int[names.Count];
        for (var i = 0; i < names.Count; i++)
        {
            wire.Append(CultureInfo.InvariantCulture, $"{names[i].Length:x}\r\n{names[i]}\r\n");
            if (i == events - 1)
                wire.Append("0\r\n\r\n");
            EventEnds[i] = wire.Length;
        }

        Wire = Encoding.ASCII.GetBytes(wire.ToString());
        Held = held;
    }

    /// <summary>The body without framing.</summary>
    public byte[] Payload { get; }

    /// <summary>The whole response as sent: head, one chunk an event, last chunk.</summary>
    public byte[] Wire { get; }

    /// <summary>Offsets in <see cref="Wire"/> at which each event is complete.</summary>
    public int[] EventEnds { get; }

    /// <summary>Only the first event is sent; then the stream stays open and silent.</summary>
    public bool Held { get; }

    /// <summary>The script with that many events; 0 is the held stream. Cached: a benchmark uses a handful.</summary>
    public static StreamScript Of(int events)
    {
        if (Known.TryGetValue(events, out var script))
            return script;
        script = new StreamScript(Math.Max(events, EventsMin), held: events == 0);
        return Known[events] = script;
    }

    private static string Event(int index, int events)
    {
        var fromEnd = events - 1 - index;
        return (index, fromEnd) switch
        {
            (0, _) => Frame("message_start",
                $$"""{"type":"message_start","message":{"id":"msg_bench","type":"message","role":"assistant","""
                + $$""" "model":"{{Answers.Model}}","content":[],"stop_reason":null,"stop_sequence":null,"""
                + """ "usage":{"input_tokens":24,"cache_creation_input_tokens":0,"""
                + """ "cache_read_input_tokens":0,"output_tokens":1}}}"""),
            (1, _) => Frame("content_block_start",
                """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"""),
            (_, 2) => Frame("content_block_stop", """{"type":"content_block_stop","index":0}"""),
            (_, 1) => Frame("message_delta",
                """{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"""
                + $$$""" "usage":{"output_tokens":{{{events - 5}}}}}"""),
            (_, 0) => Frame("message_stop", """{"type":"message_stop"}"""),
            _ => Frame("content_block_delta",
                """{"type":"content_block_delta","index":0,"""
                + $$$""" "delta":{"type":"text_delta","text":" token{{{index}}}"}}"""),
        };
    }

    private static string Frame(string name, string data) => $"event: {name}\ndata: {data}\n\n";
}
