using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Wire.Errors;
using Penstock.Wire.Sse;
using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>
/// Writes a streamed answer of the Messages API. Blocks are opened and closed as the kind of what comes changes, one
/// after the other, with indexes without gaps; why the model stopped and the usage are held until the end, for they
/// belong in one event.
/// </summary>
internal sealed class AnthropicStreamWriter(TranslationSettings settings) : TurnStreamWriter
{
    private TurnEventKind? _open;
    private int _blocks;
    private int _tools;
    private TokenUsage _usage;
    private StopReason _stop = StopReason.EndTurn;
    private byte[] _stopText = [];

    public override void Take(in TurnEvent e)
    {
        switch (e.Kind)
        {
            case TurnEventKind.Start:
                WriteStart(e.Usage);
                break;
            case TurnEventKind.Text or TurnEventKind.Refusal:
                Open(TurnEventKind.Text);
                WriteDelta("text_delta\",\"text"u8, e.Text);
                break;
            case TurnEventKind.Thinking:
                Open(TurnEventKind.Thinking);
                WriteDelta("thinking_delta\",\"thinking"u8, e.Text);
                break;
            case TurnEventKind.Signature:
                Open(TurnEventKind.Thinking);
                WriteDelta("signature_delta\",\"signature"u8, e.Text);
                break;
            case TurnEventKind.RedactedThinking:
                Close();
                WriteBlock("redacted_thinking\",\"data\":\""u8, e.Text, "\"}}\n\n"u8);
                _open = TurnEventKind.RedactedThinking;
                Close();
                break;
            case TurnEventKind.ToolStart:
                Close();
                WriteTool(e.ToolId, e.ToolName);
                break;
            case TurnEventKind.ToolArguments when _open == TurnEventKind.ToolStart:
                WriteDelta("input_json_delta\",\"partial_json"u8, e.Text);
                break;
            case TurnEventKind.PartStop:
                Close();
                break;
            case TurnEventKind.Usage:
                _usage = e.Usage;
                break;
            case TurnEventKind.Finish:
                Close();
                _stop = e.Stop;
                _stopText = e.Text.ToArray();
                break;
            case TurnEventKind.Ping:
                Output.Write(SseWriter.Ping(Dialect.Anthropic));
                break;
            case TurnEventKind.End:
                WriteEnd();
                break;
            case TurnEventKind.Error:
                ErrorBody.WriteStreamEvent(Dialect.Anthropic, e.Failure!, Output);
                break;
        }
    }

    private void WriteStart(TokenUsage known)
    {
        _usage = known.Prompt > 0 ? known : known with { Input = settings.InputTokensEstimate };
        Output.Write("event: message_start\ndata: "u8);
        using (var json = JsonOutput.To(Output))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "message_start"u8);
            json.WriteStartObject("message"u8);
            AnthropicResponseWriter.WriteHead(json, settings);
            json.WriteStartArray("content"u8);
            json.WriteEndArray();
            json.WriteNull("stop_reason"u8);
            json.WriteNull("stop_sequence"u8);
            json.WriteNull("stop_details"u8);
            json.WriteNull("container"u8);
            json.WriteNull("diagnostics"u8);
            AnthropicUsage.WriteWhole(json, _usage);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        Output.Write("\n\n"u8);
    }

    private void WriteEnd()
    {
        Close();
        Output.Write("event: message_delta\ndata: "u8);
        using (var json = JsonOutput.To(Output))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "message_delta"u8);
            json.WriteStartObject("delta"u8);
            json.WriteString("stop_reason"u8, AnthropicStop.Write(_stop));
            json.WritePropertyName("stop_sequence"u8);
            WriteStopText(json, _stop == StopReason.StopSequence);
            json.WritePropertyName("stop_details"u8);
            if (_stop == StopReason.Refusal)
            {
                json.WriteStartObject();
                json.WriteString("type"u8, "refusal"u8);
                json.WriteNull("category"u8);
                json.WritePropertyName("explanation"u8);
                WriteStopText(json, _stopText.Length > 0);
                json.WriteEndObject();
            }
            else
            {
                json.WriteNullValue();
            }

            json.WriteNull("container"u8);
            json.WriteEndObject();
            AnthropicUsage.WriteDelta(json, _usage);
            json.WriteEndObject();
        }

        Output.Write("\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"u8);
    }

    private void WriteStopText(Utf8JsonWriter json, bool present)
    {
        if (present)
        {
            json.WriteRawValue([(byte)'"', .. _stopText, (byte)'"'], skipInputValidation: true);
        }
        else
        {
            json.WriteNullValue();
        }
    }

    private void Open(TurnEventKind kind)
    {
        if (_open == kind)
        {
            return;
        }

        Close();
        _open = kind;
        WriteBlock(
            kind == TurnEventKind.Text
                ? "text\",\"text\":\"\",\"citations\":null}}\n\n"u8
                : "thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n"u8,
            default,
            default);
    }

    private void WriteTool(ReadOnlySpan<byte> id, ReadOnlySpan<byte> name)
    {
        _open = TurnEventKind.ToolStart;
        // Some engines give their calls no id; clients cannot answer a call without one.
        ReadOnlySpan<byte> known = id.IsEmpty
            ? JsonOutput.Escape(string.Create(CultureInfo.InvariantCulture, $"toolu_{settings.AnswerId}_{_tools}"))
            : id;
        _tools++;
        WriteBlock("tool_use\",\"id\":\""u8, known, "\",\"name\":\""u8);
        Output.Write(name);
        Output.Write("\",\"input\":{},\"caller\":{\"type\":\"direct\"}}}\n\n"u8);
    }

    private void WriteBlock(ReadOnlySpan<byte> type, ReadOnlySpan<byte> value, ReadOnlySpan<byte> rest)
    {
        Output.Write("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":"u8);
        WriteIndex();
        Output.Write(",\"content_block\":{\"type\":\""u8);
        Output.Write(type);
        Output.Write(value);
        Output.Write(rest);
    }

    private void WriteDelta(ReadOnlySpan<byte> kind, ReadOnlySpan<byte> text)
    {
        Output.Write("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"u8);
        WriteIndex();
        Output.Write(",\"delta\":{\"type\":\""u8);
        Output.Write(kind);
        Output.Write("\":\""u8);
        Output.Write(text);
        Output.Write("\"}}\n\n"u8);
    }

    private void Close()
    {
        if (_open is null)
        {
            return;
        }

        _open = null;
        Output.Write("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":"u8);
        WriteIndex();
        Output.Write("}\n\n"u8);
        _blocks++;
    }

    private void WriteIndex()
    {
        Utf8Formatter.TryFormat(_blocks, Output.GetSpan(11), out var written);
        Output.Advance(written);
    }
}
