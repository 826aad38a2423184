using System.Text.Json;
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Errors;
using Penstock.Wire.Sse;
using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>
/// Reads a streamed answer of the Messages API. Blocks and deltas of kinds that the neutral model does not know (server
/// tools, citations) are skipped whole.
/// </summary>
internal sealed class AnthropicStreamReader(Dialect client) : TurnStreamReader
{
    private TokenUsage _usage;
    private bool _started;
    private bool _finished;
    private bool _blockSkipped;

    public override void Read(in SseEvent e, ITurnSink sink)
    {
        if (Ended)
        {
            return;
        }

        var said = EventFields.Of(e.Data);
        switch (said.Type)
        {
            case var type when type.SequenceEqual("content_block_delta"u8):
                ReadDelta(said.Delta, sink);
                break;
            case var type when type.SequenceEqual("content_block_start"u8):
                ReadBlock(said.Block, sink);
                break;
            case var type when type.SequenceEqual("content_block_stop"u8):
                if (!_blockSkipped)
                {
                    sink.Take(new TurnEvent(TurnEventKind.PartStop));
                }

                break;
            case var type when type.SequenceEqual("message_start"u8):
                ReadStart(said.Message, sink);
                break;
            case var type when type.SequenceEqual("message_delta"u8):
                ReadFinish(said.Delta, said.Usage, sink);
                break;
            case var type when type.SequenceEqual("message_stop"u8):
                End(sink);
                break;
            case var type when type.SequenceEqual("ping"u8):
                sink.Take(new TurnEvent(TurnEventKind.Ping));
                break;
            case var type when type.SequenceEqual("error"u8):
                Ended = true;
                sink.Take(new TurnEvent(TurnEventKind.Error) { Failure = EngineError.ReadStreamed(e.Data, client) });
                break;
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

        Ended = true;
        sink.Take(new TurnEvent(TurnEventKind.Error) { Failure = BrokenOff });
    }

    internal static Failure BrokenOff { get; } =
        new(FailureKind.EngineFailed, "the engine closed the stream before the answer was complete");

    private void End(ITurnSink sink)
    {
        Ended = true;
        EnsureStarted(sink);
        sink.Take(new TurnEvent(TurnEventKind.End));
    }

    private void EnsureStarted(ITurnSink sink)
    {
        if (!_started)
        {
            _started = true;
            sink.Take(new TurnEvent(TurnEventKind.Start) { Usage = _usage });
        }
    }

    private void ReadStart(ReadOnlySpan<byte> message, ITurnSink sink)
    {
        if (!message.IsEmpty)
        {
            var fields = new JsonFields(message);
            while (fields.Next())
            {
                if (fields.Is("usage"u8) && !fields.Object.IsEmpty)
                {
                    _usage = AnthropicUsage.Merge(_usage, fields.Object);
                }
            }
        }

        EnsureStarted(sink);
        sink.Take(new TurnEvent(TurnEventKind.Usage) { Usage = _usage });
    }

    private void ReadBlock(ReadOnlySpan<byte> json, ITurnSink sink)
    {
        EnsureStarted(sink);
        var block = BlockFields.Of(json);
        _blockSkipped = false;
        if (block.Type.SequenceEqual("tool_use"u8))
        {
            sink.Take(new TurnEvent(TurnEventKind.ToolStart) { ToolId = block.Id, ToolName = block.Name });
            if (block.Input.IndexOf((byte)'"') > 0)
            {
                // Arguments that come whole with the start: any field has a quoted name.
                sink.Take(new TurnEvent(TurnEventKind.ToolArguments) { Text = JsonOutput.Escape(block.Input) });
            }
        }
        else if (block.Type.SequenceEqual("text"u8))
        {
            TakeText(TurnEventKind.Text, block.Text, sink);
        }
        else if (block.Type.SequenceEqual("thinking"u8))
        {
            TakeText(TurnEventKind.Thinking, block.Text, sink);
        }
        else if (block.Type.SequenceEqual("redacted_thinking"u8))
        {
            sink.Take(new TurnEvent(TurnEventKind.RedactedThinking) { Text = block.Text });
        }
        else
        {
            _blockSkipped = true;
        }
    }

    private void ReadDelta(ReadOnlySpan<byte> json, ITurnSink sink)
    {
        if (_blockSkipped || json.IsEmpty)
        {
            return;
        }

        EnsureStarted(sink);
        ReadOnlySpan<byte> type = default;
        ReadOnlySpan<byte> text = default;
        var fields = new JsonFields(json);
        while (fields.Next())
        {
            if (fields.Is("type"u8))
            {
                type = fields.Text;
            }
            else if (fields.Is("text"u8) || fields.Is("partial_json"u8) || fields.Is("thinking"u8)
                || fields.Is("signature"u8))
            {
                text = fields.Text;
            }
        }

        var kind = type switch
        {
            _ when type.SequenceEqual("text_delta"u8) => TurnEventKind.Text,
            _ when type.SequenceEqual("input_json_delta"u8) => TurnEventKind.ToolArguments,
            _ when type.SequenceEqual("thinking_delta"u8) => TurnEventKind.Thinking,
            _ when type.SequenceEqual("signature_delta"u8) => TurnEventKind.Signature,
            _ => TurnEventKind.Ping,
        };
        if (kind != TurnEventKind.Ping)
        {
            TakeText(kind, text, sink);
        }
    }

    private void ReadFinish(ReadOnlySpan<byte> delta, ReadOnlySpan<byte> usage, ITurnSink sink)
    {
        EnsureStarted(sink);
        if (!usage.IsEmpty)
        {
            _usage = AnthropicUsage.Merge(_usage, usage);
            sink.Take(new TurnEvent(TurnEventKind.Usage) { Usage = _usage });
        }

        if (delta.IsEmpty)
        {
            return;
        }

        ReadOnlySpan<byte> reason = default;
        ReadOnlySpan<byte> sequence = default;
        ReadOnlySpan<byte> details = default;
        var fields = new JsonFields(delta);
        while (fields.Next())
        {
            if (fields.Is("stop_reason"u8))
            {
                reason = fields.Text;
            }
            else if (fields.Is("stop_sequence"u8))
            {
                sequence = fields.Text;
            }
            else if (fields.Is("stop_details"u8))
            {
                details = fields.Object;
            }
        }

        if (!reason.IsEmpty)
        {
            _finished = true;
            var stop = AnthropicStop.Read(reason);
            var words = stop == StopReason.Refusal && !details.IsEmpty ? BlockFields.Of(details).Text : sequence;
            sink.Take(new TurnEvent(TurnEventKind.Finish) { Stop = stop, Text = words });
        }
    }

    private static void TakeText(TurnEventKind kind, ReadOnlySpan<byte> text, ITurnSink sink)
    {
        if (!text.IsEmpty)
        {
            sink.Take(new TurnEvent(kind) { Text = text });
        }
    }
}
