using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>The finish reasons of chat completions.</summary>
internal static class OpenAiStop
{
    /// <summary>
    /// What a finish reason means, given what else was seen: several engines say <c>stop</c> after tool calls, and
    /// vLLM and SGLang name the stop string met in a field of their own.
    /// </summary>
    public static StopReason Read(ReadOnlySpan<byte> reason, bool calledTools, bool metStopString) => reason switch
    {
        _ when reason.SequenceEqual("length"u8) => StopReason.MaxTokens,
        _ when reason.SequenceEqual("tool_calls"u8) || reason.SequenceEqual("function_call"u8) => StopReason.ToolUse,
        _ when reason.SequenceEqual("content_filter"u8) => StopReason.Refusal,
        _ when calledTools => StopReason.ToolUse,
        _ when metStopString => StopReason.StopSequence,
        _ => StopReason.EndTurn,
    };

    public static ReadOnlySpan<byte> Write(StopReason reason) => reason switch
    {
        StopReason.MaxTokens or StopReason.ContextFull => "length"u8,
        StopReason.ToolUse => "tool_calls"u8,
        StopReason.Refusal => "content_filter"u8,
        _ => "stop"u8,
    };
}
