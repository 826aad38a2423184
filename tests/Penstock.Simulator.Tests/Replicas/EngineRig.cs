using Penstock.Core.Primitives;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Replicas;

/// <summary>An engine model, a clock and the events so far.</summary>
internal sealed class EngineRig(EngineProfile profile, ulong seed = 0, bool reportsTokens = true)
{
    public EngineModel Model { get; } = new(profile, seed, reportsTokens);

    public List<EngineEvent> Events { get; } = [];

    public Instant Now { get; private set; }

    /// <summary>A small replica whose steps take 10 ms and 0.1 ms for each prefill token.</summary>
    public static EngineProfile Profile(
        int kvBlocks = 64, int blockSize = 4, int budget = 32, int sequences = 8) => new()
    {
        Name = "test",
        Accelerator = "test",
        Model = "test",
        Engine = "test",
        Source = "invented",
        Step = new() { D0 = 10, D1 = 0, D2 = 0, P1 = 0.1, KneeTokens = 0 },
        KvBlocks = kvBlocks,
        BlockSize = blockSize,
        BatchedTokensMax = budget,
        SequencesMax = sequences,
        ModelLengthMax = kvBlocks * blockSize,
    };

    /// <summary>A chain of its own for every <paramref name="family"/>; equal families share their prefix.</summary>
    public static ulong[] Chain(int family, int blocks)
    {
        var chain = new ulong[blocks];
        for (var i = 0; i < blocks; i++)
        {
            chain[i] = Hash64.Combine((ulong)family + 1, (ulong)i);
        }

        return chain;
    }

    public SubmitVerdict Submit(long id, int prompt, int output, ulong[]? chain = null) =>
        Model.Submit(new EngineRequest(id, prompt, output, chain ?? Chain((int)id + 1000, 64)), Now);

    public void AdvanceTo(Instant until)
    {
        foreach (var happened in Model.Advance(until))
        {
            Events.Add(happened);
        }

        Now = until;
        Model.Verify();
    }

    public void Step() => AdvanceTo(Model.NextStepEnd!.Value);

    public void RunToEnd()
    {
        while (Model.NextStepEnd is not null)
        {
            Step();
        }
    }

    public IEnumerable<EngineEvent> Of(long id) => Events.Where(e => e.RequestId == id);

    public EngineEvent Single(long id, EngineEventKind kind) => Of(id).Single(e => e.Kind == kind);

    public double Milliseconds(long id, EngineEventKind kind) => Single(id, kind).At.Seconds * 1000;
}
