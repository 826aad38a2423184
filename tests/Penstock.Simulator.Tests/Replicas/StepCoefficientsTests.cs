using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Replicas;

public sealed class StepCoefficientsTests
{
    private static readonly StepCoefficients Step =
        new() { D0 = 10, D1 = 0.5, D2 = 0.001, P1 = 0.02, P0 = 2, P2 = 1e-4, KneeTokens = 100 };

    [Fact]
    public void A_decode_step_pays_for_its_sequences_and_their_context() =>
        Assert.Equal(10 + (0.5 * 4) + (0.001 * 3000), Step.Milliseconds(new StepLoad(4, 3000, 0, 0)), 9);

    [Fact]
    public void Prefill_below_the_knee_rides_along_with_the_weights() =>
        Assert.Equal(10 + 2, Step.Milliseconds(new StepLoad(0, 0, 100, 0)), 9);

    [Fact]
    public void Prefill_above_the_knee_pays_for_what_is_beyond_it() =>
        Assert.Equal(10 + 2 + (0.02 * 400), Step.Milliseconds(new StepLoad(0, 0, 500, 0)), 9);

    [Fact]
    public void Decoding_sequences_use_up_the_knee() =>
        Assert.Equal(
            10 + (0.5 * 60) + 2 + (0.02 * 460), Step.Milliseconds(new StepLoad(60, 0, 500, 0)), 9);

    [Fact]
    public void Long_context_costs_attention()
    {
        var load = default(StepLoad).WithPrefill(200, 1000).WithPrefill(100, 0);

        Assert.Equal((200 * 1100) + (100 * 50), load.PrefillAttention, 9);
        Assert.Equal(10 + 2 + (0.02 * 200) + (1e-4 * 225_000), Step.Milliseconds(load), 9);
    }

    [Fact]
    public void A_prompt_on_the_H200_profile_takes_what_its_source_measured()
    {
        // 16.5 + 0.01518 t + 4.21e-7 t^2 ms for t = 10,000 tokens in one chunk.
        var step = ProfileCatalog.Find("h200-llama-3.1-8b")!.Step;

        Assert.Equal(16.5 + 151.8 + 42.1, step.Milliseconds(default(StepLoad).WithPrefill(10_000, 0)), 6);
    }
}
