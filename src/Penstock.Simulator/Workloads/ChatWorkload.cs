using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Simulator.Workloads;

/// <summary>What the chats of a <see cref="ChatWorkload"/> look like. Lengths in tokens, means of exponential draws
/// where they vary.</summary>
public sealed record ChatOptions
{
    /// <summary>Chats at a time.</summary>
    public int Concurrent { get; init; } = 200;

    /// <summary>The system prompt that all share.</summary>
    public int SystemTokens { get; init; } = 4_096;

    /// <summary>What a user adds in a turn; varies.</summary>
    public int TurnTokens { get; init; } = 300;

    /// <summary>An answer; varies.</summary>
    public int OutputTokens { get; init; } = 250;

    /// <summary>Turns of a chat.</summary>
    public int Turns { get; init; } = 8;

    /// <summary>Seconds between an answer and the next turn; varies.</summary>
    public double ThinkSeconds { get; init; } = 10;
}

/// <summary>Chats in a closed loop: one system prompt for all, and turns of their own.</summary>
public sealed class ChatWorkload(ChatOptions options, ulong seed) : Workload
{
    private Rng _rng = new(seed);

    public override void Start(IArrivals arrivals)
    {
        for (var i = 0; i < options.Concurrent; i++)
        {
            var at = Instant.FromSeconds(_rng.NextDouble() * 2 * options.ThinkSeconds);
            Turn(_rng.NextUInt64(), [options.SystemTokens], 0, at, arrivals);
        }
    }

    public override void Ended(FleetRequest request, Instant at, IArrivals arrivals)
    {
        var chat = (ChatRequest)request;
        var next = at + TimeSpan.FromSeconds(Draw(options.ThinkSeconds));
        if (chat.Turn + 1 < options.Turns)
        {
            Turn(chat.Salt, [.. chat.Ends, chat.PromptTokens + chat.OutputTokens], chat.Turn + 1, next, arrivals);
        }
        else
        {
            Turn(_rng.NextUInt64(), [options.SystemTokens], 0, next, arrivals);
        }
    }

    private void Turn(ulong salt, int[] ends, int turn, Instant at, IArrivals arrivals)
    {
        var prompt = ends[^1] + 1 + (int)Draw(options.TurnTokens);
        var output = 1 + (int)Draw(options.OutputTokens);
        int[] all = [.. ends, prompt];
        var chain = new ulong[(prompt + output) / FleetRequest.BlockTokens];
        var hash = 0UL;
        for (var i = 0; i < chain.Length; i++)
        {
            var isShared = (i + 1) * FleetRequest.BlockTokens <= options.SystemTokens;
            chain[i] = hash = Hash64.Combine(hash, Hash64.Combine(isShared ? 0 : salt, (ulong)i));
        }

        arrivals.Arrive(at, new ChatRequest
        {
            Chain = chain,
            PromptTokens = prompt,
            OutputTokens = output,
            Marks = [.. all.Select(end => new PromptMark(
                end, Hash64.Combine(end <= options.SystemTokens ? 0 : salt, (ulong)end) | 1))],
            Salt = salt,
            Turn = turn,
            Ends = all,
        });
    }

    private double Draw(double mean) => -mean * Math.Log(1 - _rng.NextDouble());

    private sealed class ChatRequest : FleetRequest
    {
        public required ulong Salt { get; init; }

        public required int Turn { get; init; }

        public required int[] Ends { get; init; }
    }
}
