using System.Text.Json;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Simulator.Workloads;

/// <summary>
/// A recorded stream of requests in an open loop, sped up by a factor.
/// </summary>
/// <remarks>
/// Read from lines of a Mooncake trace: <c>{timestamp, input_length, output_length, hash_ids[]}</c>, with timestamps
/// in milliseconds and one chained id for each 512 tokens begun. Its timestamps come in steps of three seconds; the
/// arrivals of a step are spread over it.
/// </remarks>
public sealed class ConversationWorkload(IReadOnlyList<ConversationStep> steps, double speedup, ulong seed) : Workload
{
    private const int IdTokens = 512;
    private const double BucketSeconds = 3;

    /// <summary>Reads one line.</summary>
    /// <exception cref="JsonException">It is no such request.</exception>
    public static ConversationStep Parse(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        try
        {
            using var document = JsonDocument.ParseValue(ref reader);
            var json = document.RootElement;
            return new ConversationStep(
                json.GetProperty("timestamp").GetDouble() / 1000,
                json.GetProperty("input_length").GetInt32(),
                Math.Max(1, json.GetProperty("output_length").GetInt32()),
                [.. json.GetProperty("hash_ids").EnumerateArray().Select(id => id.GetInt32())]);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new JsonException("not a recorded request: " + e.Message, e);
        }
    }

    public override void Start(IArrivals arrivals)
    {
        var rng = new Rng(seed);
        foreach (var step in steps)
        {
            var at = Instant.FromSeconds((step.Seconds + (rng.NextDouble() * BucketSeconds)) / speedup);
            arrivals.Arrive(at, Request(step, rng.NextUInt64()));
        }
    }

    private static FleetRequest Request(ConversationStep step, ulong own)
    {
        const int Block = FleetRequest.BlockTokens;
        var chain = new ulong[(step.PromptTokens + step.OutputTokens) / Block];
        var prompt = step.PromptTokens / Block;
        var hash = 0UL;
        for (var i = 0; i < chain.Length; i++)
        {
            var id = i * Block / IdTokens;
            var content = i < prompt && id < step.Ids.Length ? (ulong)step.Ids[id] : own;
            chain[i] = hash = Hash64.Combine(hash, Hash64.Combine(content, (ulong)i));
        }

        return new FleetRequest
        {
            Chain = chain,
            PromptTokens = step.PromptTokens,
            OutputTokens = step.OutputTokens,
            Marks = [new PromptMark(step.PromptTokens, Hash64.Combine(own, 1) | 1)],
        };
    }
}

/// <summary>One request of a recorded stream.</summary>
public sealed record ConversationStep(double Seconds, int PromptTokens, int OutputTokens, int[] Ids);
