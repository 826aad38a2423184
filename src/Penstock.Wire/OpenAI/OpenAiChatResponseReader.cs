using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>Reads a whole chat completion; only choice 0. Pure; safe from any thread.</summary>
public static class OpenAiChatResponseReader
{
    /// <summary>The answer, or null with a failure of the engine's.</summary>
    public static TurnResponse? Read(ReadOnlyMemory<byte> body, out Failure? failure) =>
        BodyReading.Answer(body, Dialect.OpenAiChat, ReadRoot, out failure);

    private static TurnResponse ReadRoot(Field root)
    {
        var choices = root["choices"].Required().Items(static choice => choice);
        if (choices.IsEmpty)
        {
            root["choices"].Fault("the answer holds no choice");
            return new TurnResponse { Parts = [], StopReason = StopReason.EndTurn, Usage = default };
        }

        var choice = choices[0];
        var message = choice["message"].Required();
        var calls = message["tool_calls"].Items(ReadCall);
        var refusal = message["refusal"].Text();
        var stopString = StopString(choice["stop_reason"]) ?? StopString(choice["matched_stop"]);
        var stop = OpenAiStop.Read(
            Encoding.UTF8.GetBytes(choice["finish_reason"].Text() ?? ""), calls.Length > 0, stopString is not null);
        var usage = root["usage"].Object();
        return new TurnResponse
        {
            Parts = ReadParts(message, refusal, calls),
            StopReason = stop,
            StopSequence = stop == StopReason.StopSequence ? stopString : null,
            Refusal = refusal,
            Usage = usage is { } value ? OpenAiUsage.Read(value.Utf8.Span) : default(TokenUsage),
        };
    }

    private static ImmutableArray<TurnPart> ReadParts(
        Field message, string? refusal, ImmutableArray<ToolCallPart> calls)
    {
        var parts = ImmutableArray.CreateBuilder<TurnPart>();
        if ((message["reasoning_content"].Text() ?? message["reasoning"].Text()) is { Length: > 0 } thinking)
        {
            parts.Add(new ThinkingPart(thinking, Signature: null));
        }

        if (message["content"].Text() is { Length: > 0 } text)
        {
            parts.Add(new TextPart(text));
        }

        if (!string.IsNullOrEmpty(refusal))
        {
            parts.Add(new TextPart(refusal));
        }

        parts.AddRange(calls);
        return parts.ToImmutable();
    }

    private static ToolCallPart ReadCall(Field call)
    {
        var function = call["function"].Required();
        var arguments = function["arguments"];
        var parsed = arguments.IsText ? OpenAiMessageReader.Arguments(arguments.Text()) : arguments.Object();
        return new ToolCallPart(
            call["id"].Text() ?? "",
            function["name"].RequiredText(),
            parsed ?? (arguments.IsText ? Wrap(arguments.RequiredText()) : RawJson.EmptyObject));
    }

    // Arguments that are no JSON, cut by the token limit or mistaken, are handed on inside an object under the name
    // that the Anthropic documentation gives for this case: the client sees them, and can tell the model.
    private static RawJson Wrap(string arguments)
    {
        var wrapped = new System.Buffers.ArrayBufferWriter<byte>();
        using (var json = JsonOutput.To(wrapped))
        {
            json.WriteStartObject();
            json.WriteString("INVALID_JSON"u8, arguments);
            json.WriteEndObject();
        }

        return new RawJson(wrapped.WrittenMemory);
    }

    private static string? StopString(Field field) => field.IsText ? field.Text() : null;
}
