using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Simulator.Workloads;

/// <summary>What a <see cref="PrefixWorkload"/> sends. Lengths in tokens.</summary>
public sealed record PrefixOptions
{
    /// <summary>Bursts a second; Poisson.</summary>
    public double Rate { get; init; } = 10;

    public double Seconds { get; init; } = 600;

    /// <summary>Identical prompts that come at once.</summary>
    public int Burst { get; init; } = 1;

    /// <summary>Different prefixes; prefix k is drawn with a weight of 1/(k+1). 0 makes every burst's a new one.
    /// </summary>
    public int Prefixes { get; init; } = 1;

    public int PrefixTokens { get; init; } = 8_192;

    /// <summary>What a burst's prompts have of their own behind the prefix.</summary>
    public int TailTokens { get; init; } = 256;

    public int OutputTokens { get; init; } = 150;
}

/// <summary>An open loop of prompts that share prefixes, some of them hot, in bursts of identical ones.</summary>
public sealed class PrefixWorkload(PrefixOptions options, ulong seed) : Workload
{
    public override void Start(IArrivals arrivals)
    {
        var rng = new Rng(seed);
        var at = 0.0;
        while (true)
        {
            at -= Math.Log(1 - rng.NextDouble()) / options.Rate;
            if (at > options.Seconds)
            {
                return;
            }

            var own = rng.NextUInt64();
            var prefix = options.Prefixes == 0 ? own : (ulong)Zipf(options.Prefixes, ref rng);
            for (var i = 0; i < options.Burst; i++)
            {
                arrivals.Arrive(Instant.FromSeconds(at), Request(prefix, own, (ulong)i));
            }
        }
    }

    private FleetRequest Request(ulong prefix, ulong own, ulong member)
    {
        var prompt = options.PrefixTokens + options.TailTokens;
        var chain = new ulong[(prompt + options.OutputTokens) / FleetRequest.BlockTokens];
        var hash = 0UL;
        for (var i = 0; i < chain.Length; i++)
        {
            var end = (i + 1) * FleetRequest.BlockTokens;
            var content = end <= options.PrefixTokens ? prefix : end <= prompt ? own : Hash64.Combine(own, member);
            chain[i] = hash = Hash64.Combine(hash, Hash64.Combine(content, (ulong)i));
        }

        return new FleetRequest
        {
            Chain = chain,
            PromptTokens = prompt,
            OutputTokens = options.OutputTokens,
            Marks =
            [
                new PromptMark(options.PrefixTokens, Hash64.Combine(prefix, 1) | 1),
                new PromptMark(prompt, Hash64.Combine(own, 2) | 1),
            ],
        };
    }

    private static int Zipf(int count, ref Rng rng)
    {
        var all = 0.0;
        for (var k = 1; k <= count; k++)
        {
            all += 1.0 / k;
        }

        var at = rng.NextDouble() * all;
        for (var k = 1; k < count; k++)
        {
            at -= 1.0 / k;
            if (at < 0)
            {
                return k - 1;
            }
        }

        return count - 1;
    }
}
