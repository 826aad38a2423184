namespace Penstock.LiveBench;

/// <summary>
/// What is the same in every run of a comparison. Two sets of results may be put together only where these are equal.
/// Times are virtual.
/// </summary>
internal sealed record LiveSettings
{
    /// <summary>Sessions that are played at any time; sub-agents come on top.</summary>
    public int Sessions { get; init; } = 112;

    /// <summary>Length of the part that is measured.</summary>
    public double Minutes { get; init; } = 10;

    /// <summary>What goes before it, and is not measured; sessions begin spread over its first half.</summary>
    public double WarmUpMinutes { get; init; } = 4;

    public int Replicas { get; init; } = 8;

    public string Profile { get; init; } = "b200-llama-3.1-70b";

    /// <summary>Tokens of KV cache of one replica.</summary>
    public int KvTokens { get; init; } = 700_000;

    /// <summary>Virtual seconds per second.</summary>
    public double TimeScale { get; init; } = 16;

    /// <summary>Requests with longer prompts are left out, as if the client had compacted before.</summary>
    public int PromptTokensMax { get; init; } = 128_000;

    /// <summary>Longer pauses are cut to this.</summary>
    public double PauseMax { get; init; } = 120;

    /// <summary>Tokens in an event of a stream, the first one apart (vLLM: stream_interval).</summary>
    public int StreamInterval { get; init; } = 8;
}

/// <summary>One run: one policy, one seed, one gateway.</summary>
internal sealed record PlayPlan
{
    public required LiveSettings Settings { get; init; }

    public required string Policy { get; init; }

    public required ulong Seed { get; init; }

    public required string Trace { get; init; }

    public required Uri Gateway { get; init; }

    public required Uri GatewayAdmin { get; init; }

    public required string Key { get; init; }

    public required Uri[] Engines { get; init; }

    /// <summary>Whose CPU time is read: the gateway, and the process of the engines.</summary>
    public required int GatewayPid { get; init; }

    public required int EnginesPid { get; init; }

    /// <summary>Where the result is written, as JSON.</summary>
    public required string ResultFile { get; init; }
}

/// <summary>The engines of one run.</summary>
internal sealed record EnginesPlan(LiveSettings Settings, int[] Ports);
