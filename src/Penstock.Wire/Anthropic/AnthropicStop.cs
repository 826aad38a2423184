using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>The stop reasons of the Messages API.</summary>
internal static class AnthropicStop
{
    public static StopReason Read(ReadOnlySpan<byte> reason) => reason switch
    {
        _ when reason.SequenceEqual("max_tokens"u8) => StopReason.MaxTokens,
        _ when reason.SequenceEqual("stop_sequence"u8) => StopReason.StopSequence,
        _ when reason.SequenceEqual("tool_use"u8) => StopReason.ToolUse,
        _ when reason.SequenceEqual("pause_turn"u8) => StopReason.PauseTurn,
        _ when reason.SequenceEqual("refusal"u8) => StopReason.Refusal,
        _ when reason.SequenceEqual("model_context_window_exceeded"u8) => StopReason.ContextFull,
        _ => StopReason.EndTurn,
    };

    public static ReadOnlySpan<byte> Write(StopReason reason) => reason switch
    {
        StopReason.MaxTokens => "max_tokens"u8,
        StopReason.StopSequence => "stop_sequence"u8,
        StopReason.ToolUse => "tool_use"u8,
        StopReason.PauseTurn => "pause_turn"u8,
        StopReason.Refusal => "refusal"u8,
        StopReason.ContextFull => "model_context_window_exceeded"u8,
        _ => "end_turn"u8,
    };
}
