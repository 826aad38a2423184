using System.Text;
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>Reads a whole <c>Message</c> of the Messages API. Pure; safe from any thread.</summary>
public static class AnthropicResponseReader
{
    /// <summary>The answer, or null with a failure of the engine's.</summary>
    public static TurnResponse? Read(ReadOnlyMemory<byte> body, out Failure? failure) =>
        BodyReading.Answer(body, Dialect.Anthropic, ReadRoot, out failure);

    private static TurnResponse ReadRoot(Field root)
    {
        var usage = root["usage"];
        return new TurnResponse
        {
            Parts = root["content"].Required().Items(AnthropicPartReader.Read),
            StopReason = AnthropicStop.Read(Encoding.UTF8.GetBytes(root["stop_reason"].Text() ?? "")),
            StopSequence = root["stop_sequence"].Text(),
            Refusal = root["stop_details"]["explanation"].Text(),
            Usage = usage.Object() is { } value ? AnthropicUsage.Merge(default, value.Utf8.Span) : default(TokenUsage),
        };
    }
}
