namespace Penstock.Simulator.Replicas;

/// <summary>
/// How long one step of a continuously batching engine takes, as a linear model. All figures are milliseconds:
/// <c>step = D0 + D1·B + D2·KV + P1·t' (+ P0 + P2·Σ t·(kv + t/2))</c>, where B is the number of decoding sequences,
/// KV the tokens of context they read, t the prefill tokens of the step and kv the context those stand on.
/// </summary>
/// <remarks>
/// Below a knee of tokens per step the linear layers cost what streaming their weights costs, and that is in D0
/// already. So the first <c>KneeTokens − B</c> prefill tokens of a step are free and t' is what is left. (The strict
/// form, nothing below the knee and everything above it, would make one token more cost hundreds.)
/// </remarks>
public sealed record StepCoefficients
{
    /// <summary>Every step: weights, launches, host. Milliseconds.</summary>
    public required double D0 { get; init; }

    /// <summary>Milliseconds for each decoding sequence.</summary>
    public required double D1 { get; init; }

    /// <summary>Milliseconds for each token of context that decoding reads.</summary>
    public required double D2 { get; init; }

    /// <summary>Milliseconds for each prefill token beyond the knee.</summary>
    public required double P1 { get; init; }

    /// <summary>Milliseconds more for a step that has any prefill in it, where that was measured.</summary>
    public double P0 { get; init; }

    /// <summary>Milliseconds for each pair of prefill token and context token: the attention of long prompts.</summary>
    public double P2 { get; init; }

    /// <summary>Tokens in a step up to which the linear layers are bound by memory and not by arithmetic.</summary>
    public int KneeTokens { get; init; } = 256;

    /// <summary>Steps vary by up to this share around the model, uniformly; 0 is exact.</summary>
    public double Jitter { get; init; }

    /// <summary>The time of a step without jitter, in milliseconds.</summary>
    public double Milliseconds(in StepLoad load)
    {
        var ms = D0 + (D1 * load.Decoding) + (D2 * load.DecodeContext);
        if (load.PrefillTokens > 0)
        {
            var free = Math.Max(0, KneeTokens - load.Decoding);
            ms += P0 + (P1 * Math.Max(0, load.PrefillTokens - free)) + (P2 * load.PrefillAttention);
        }

        return ms;
    }
}

/// <summary>What one step has to compute.</summary>
/// <param name="Decoding">Sequences that get one more token.</param>
/// <param name="DecodeContext">Tokens of context those sequences read, together.</param>
/// <param name="PrefillTokens">Prompt tokens computed, recomputed ones included.</param>
/// <param name="PrefillAttention">Σ t·(kv + t/2) over the prefilling sequences.</param>
public readonly record struct StepLoad(
    int Decoding, long DecodeContext, int PrefillTokens, double PrefillAttention)
{
    /// <summary>This load and one more decoding sequence with that much context.</summary>
    internal StepLoad WithDecode(int context) =>
        this with { Decoding = Decoding + 1, DecodeContext = DecodeContext + context };

    /// <summary>This load and a chunk of prefill on top of <paramref name="context"/> tokens.</summary>
    internal StepLoad WithPrefill(int tokens, int context) => this with
    {
        PrefillTokens = PrefillTokens + tokens,
        PrefillAttention = PrefillAttention + (tokens * (context + (tokens / 2.0))),
    };
}
