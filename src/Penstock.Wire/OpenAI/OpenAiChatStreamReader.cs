using System.Text.Json;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Anthropic;
using Penstock.Wire.Errors;
using Penstock.Wire.Sse;
using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>
/// Reads a streamed chat completion. Only choice 0 is read. A new tool call begins with a new index, or, for engines
/// that number all calls 0, with a new id. Arguments for a call that is no longer the last one break the answer off:
/// they could only be handed on out of order.
/// </summary>
internal sealed class OpenAiChatStreamReader(Dialect client) : TurnStreamReader
{
    private const int ToolsMax = 1024;

    private bool _started;
    private bool _finished;
    private int _tools;
    private long _toolIndex = -1;
    private byte[] _toolId = [];

    public override void Read(in SseEvent e, ITurnSink sink)
    {
        if (Ended)
        {
            return;
        }

        if (e.Data.SequenceEqual("[DONE]"u8))
        {
            End(sink);
            return;
        }

        ReadOnlySpan<byte> choices = default;
        ReadOnlySpan<byte> usage = default;
        var isError = false;
        var fields = new JsonFields(e.Data);
        while (fields.Next())
        {
            if (fields.Is("choices"u8))
            {
                choices = fields.Array;
            }
            else if (fields.Is("usage"u8))
            {
                usage = fields.Object;
            }
            else if (fields.Is("error"u8))
            {
                isError |= fields.Kind is not JsonTokenType.Null;
            }
            else if (fields.Is("object"u8))
            {
                isError |= fields.Text.SequenceEqual("error"u8);
            }
        }

        if (isError)
        {
            Break(EngineError.ReadStreamed(e.Data, client), sink);
            return;
        }

        EnsureStarted(sink);
        ReadChoices(choices, sink);
        if (!usage.IsEmpty && !Ended)
        {
            sink.Take(new TurnEvent(TurnEventKind.Usage) { Usage = OpenAiUsage.Read(usage) });
        }
    }

    public override void Complete(ITurnSink sink)
    {
        if (Ended)
        {
            return;
        }

        if (_finished)
        {
            End(sink);
            return;
        }

        Break(AnthropicStreamReader.BrokenOff, sink);
    }

    private void End(ITurnSink sink)
    {
        EnsureStarted(sink);
        Ended = true;
        sink.Take(new TurnEvent(TurnEventKind.End));
    }

    private void Break(Failure failure, ITurnSink sink)
    {
        Ended = true;
        sink.Take(new TurnEvent(TurnEventKind.Error) { Failure = failure });
    }

    private void EnsureStarted(ITurnSink sink)
    {
        if (!_started)
        {
            _started = true;
            sink.Take(new TurnEvent(TurnEventKind.Start));
        }
    }

    private void ReadChoices(ReadOnlySpan<byte> json, ITurnSink sink)
    {
        var choices = new JsonObjects(json);
        while (choices.Next())
        {
            var choice = ChoiceFields.Of(choices.Current);
            if (choice.Index != 0 || _finished || Ended)
            {
                continue;
            }

            if (!choice.Delta.IsEmpty)
            {
                ReadDelta(choice.Delta, sink);
            }

            if (!choice.FinishReason.IsEmpty && !Ended)
            {
                Finish(choice, sink);
            }
        }
    }

    private void Finish(ChoiceFields choice, ITurnSink sink)
    {
        if (choice.FinishReason.SequenceEqual("abort"u8) || choice.FinishReason.SequenceEqual("error"u8))
        {
            Break(new Failure(FailureKind.EngineFailed, "the engine aborted the answer"), sink);
            return;
        }

        _finished = true;
        var stop = OpenAiStop.Read(choice.FinishReason, _tools > 0, !choice.StopString.IsEmpty);
        var text = stop == StopReason.StopSequence ? choice.StopString : default;
        sink.Take(new TurnEvent(TurnEventKind.Finish) { Stop = stop, Text = text });
    }

    private void ReadDelta(ReadOnlySpan<byte> json, ITurnSink sink)
    {
        ReadOnlySpan<byte> thinking = default;
        ReadOnlySpan<byte> text = default;
        ReadOnlySpan<byte> refusal = default;
        ReadOnlySpan<byte> calls = default;
        var fields = new JsonFields(json);
        while (fields.Next())
        {
            if (fields.Is("content"u8))
            {
                text = fields.Text;
            }
            else if (fields.Is("tool_calls"u8))
            {
                calls = fields.Array;
            }
            else if (fields.Is("reasoning_content"u8) || (fields.Is("reasoning"u8) && thinking.IsEmpty))
            {
                // Engines name it one way or the other; those that send both say the same twice.
                thinking = fields.Text;
            }
            else if (fields.Is("refusal"u8))
            {
                refusal = fields.Text;
            }
        }

        TakeText(TurnEventKind.Thinking, thinking, sink);
        TakeText(TurnEventKind.Text, text, sink);
        TakeText(TurnEventKind.Refusal, refusal, sink);
        var items = new JsonObjects(calls);
        while (items.Next() && !Ended)
        {
            ReadToolCall(ToolCallFields.Of(items.Current), sink);
        }
    }

    private void ReadToolCall(ToolCallFields call, ITurnSink sink)
    {
        var index = call.Index ?? Math.Max(0, _toolIndex);
        var isNew = index > _toolIndex
            || (index == _toolIndex && !call.Id.IsEmpty && !call.Name.IsEmpty && !call.Id.SequenceEqual(_toolId));
        if (isNew)
        {
            if (++_tools > ToolsMax)
            {
                Break(new Failure(FailureKind.EngineFailed, $"the engine made more than {ToolsMax} tool calls"), sink);
                return;
            }

            _toolIndex = index;
            _toolId = call.Id.ToArray();
            sink.Take(new TurnEvent(TurnEventKind.ToolStart) { ToolId = call.Id, ToolName = call.Name });
        }
        else if (index < _toolIndex)
        {
            Break(new Failure(FailureKind.EngineFailed, "the engine went back to an earlier tool call"), sink);
            return;
        }

        TakeText(TurnEventKind.ToolArguments, call.Arguments, sink);
    }

    private static void TakeText(TurnEventKind kind, ReadOnlySpan<byte> text, ITurnSink sink)
    {
        if (!text.IsEmpty)
        {
            sink.Take(new TurnEvent(kind) { Text = text });
        }
    }
}
