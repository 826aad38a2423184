using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Wire.Errors;
using Penstock.Wire.Sse;
using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>
/// Writes a streamed chat completion. What every chunk begins and ends with is made once; a delta is copied between.
/// </summary>
internal sealed class OpenAiChatStreamWriter : TurnStreamWriter
{
    private readonly TranslationSettings _settings;
    private readonly byte[] _head;
    private readonly byte[] _tail;
    private TokenUsage _usage;
    private int _tools;
    private bool _argumentsDue;
    private bool _finished;

    public OpenAiChatStreamWriter(TranslationSettings settings)
    {
        _settings = settings;
        var head = new ArrayBufferWriter<byte>();
        head.Write("data: {\"id\":\"chatcmpl-"u8);
        head.Write(JsonOutput.Escape(settings.AnswerId));
        head.Write("\",\"object\":\"chat.completion.chunk\",\"created\":"u8);
        head.Write(JsonOutput.Escape(settings.CreatedUnixSeconds.ToString(CultureInfo.InvariantCulture)));
        head.Write(",\"model\":\""u8);
        head.Write(JsonOutput.Escape(settings.ClientModel));
        head.Write("\",\"choices\":["u8);
        _head = head.WrittenSpan.ToArray();
        _tail = settings.IncludeUsage ? "}],\"usage\":null}\n\n"u8.ToArray() : "}]}\n\n"u8.ToArray();
    }

    public override void Take(in TurnEvent e)
    {
        switch (e.Kind)
        {
            case TurnEventKind.Start:
                WriteChunk("\"role\":\"assistant\",\"content\":\""u8, default, "\""u8);
                break;
            case TurnEventKind.Text:
                EndTool();
                WriteChunk("\"content\":\""u8, e.Text, "\""u8);
                break;
            case TurnEventKind.Thinking when _settings.ReasoningContent:
                WriteChunk("\"reasoning_content\":\""u8, e.Text, "\""u8);
                break;
            case TurnEventKind.Refusal:
                WriteChunk("\"refusal\":\""u8, e.Text, "\""u8);
                break;
            case TurnEventKind.ToolStart:
                EndTool();
                WriteTool(e.ToolId, e.ToolName);
                break;
            case TurnEventKind.ToolArguments when _tools > 0:
                _argumentsDue = false;
                WriteArguments(e.Text);
                break;
            case TurnEventKind.PartStop:
                EndTool();
                break;
            case TurnEventKind.Usage:
                _usage = e.Usage;
                break;
            case TurnEventKind.Finish:
                EndTool();
                WriteFinish(e.Stop, e.Text);
                break;
            case TurnEventKind.Ping:
                Output.Write(SseWriter.Ping(Dialect.OpenAiChat));
                break;
            case TurnEventKind.End:
                WriteEnd();
                break;
            case TurnEventKind.Error:
                ErrorBody.WriteStreamEvent(Dialect.OpenAiChat, e.Failure!, Output);
                break;
        }
    }

    private void WriteTool(ReadOnlySpan<byte> id, ReadOnlySpan<byte> name)
    {
        Output.Write(_head);
        Output.Write("{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":"u8);
        WriteNumber(_tools);
        Output.Write(",\"id\":\""u8);
        if (id.IsEmpty)
        {
            Output.Write(JsonOutput.Escape(string.Create(
                CultureInfo.InvariantCulture, $"call_{_settings.AnswerId}_{_tools}")));
        }

        Output.Write(id);
        Output.Write("\",\"type\":\"function\",\"function\":{\"name\":\""u8);
        Output.Write(name);
        Output.Write("\",\"arguments\":\"\"}}]},\"logprobs\":null,\"finish_reason\":null"u8);
        Output.Write(_tail);
        _tools++;
        _argumentsDue = true;
    }

    private void WriteArguments(ReadOnlySpan<byte> text)
    {
        Output.Write(_head);
        Output.Write("{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":"u8);
        WriteNumber(_tools - 1);
        Output.Write(",\"function\":{\"arguments\":\""u8);
        Output.Write(text);
        Output.Write("\"}}]},\"logprobs\":null,\"finish_reason\":null"u8);
        Output.Write(_tail);
    }

    // Arguments that are all empty mean an empty object to one dialect and are no JSON to the other.
    private void EndTool()
    {
        if (_argumentsDue)
        {
            _argumentsDue = false;
            WriteArguments("{}"u8);
        }
    }

    private void WriteFinish(StopReason stop, ReadOnlySpan<byte> text)
    {
        if (stop == StopReason.Refusal && !text.IsEmpty)
        {
            WriteChunk("\"refusal\":\""u8, text, "\""u8);
        }

        _finished = true;
        Output.Write(_head);
        Output.Write("{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\""u8);
        Output.Write(OpenAiStop.Write(stop));
        Output.Write("\""u8);
        Output.Write(_tail);
    }

    private void WriteEnd()
    {
        EndTool();
        if (!_finished)
        {
            WriteFinish(StopReason.EndTurn, default);
        }

        if (_settings.IncludeUsage)
        {
            Output.Write(_head);
            Output.Write("],"u8);
            using (var json = JsonOutput.To(Output))
            {
                OpenAiUsage.Write(json, _usage);
            }

            Output.Write("}\n\n"u8);
        }

        Output.Write(SseWriter.Done);
    }

    private void WriteChunk(ReadOnlySpan<byte> before, ReadOnlySpan<byte> text, ReadOnlySpan<byte> after)
    {
        Output.Write(_head);
        Output.Write("{\"index\":0,\"delta\":{"u8);
        Output.Write(before);
        Output.Write(text);
        Output.Write(after);
        Output.Write("},\"logprobs\":null,\"finish_reason\":null"u8);
        Output.Write(_tail);
    }

    private void WriteNumber(int number)
    {
        Utf8Formatter.TryFormat(number, Output.GetSpan(11), out var written);
        Output.Advance(written);
    }
}
