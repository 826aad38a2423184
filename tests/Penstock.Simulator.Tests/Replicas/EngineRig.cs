using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Replicas;

/// <summary>
/// An engine model, a clock and the events so far. Whenever time moves, the model's books are checked, and its KV
/// events, counted, must give what it has cached.
/// </summary>
internal sealed class EngineRig(EngineProfile profile, ulong seed = 0, bool reportsTokens = true)
{
    private readonly Dictionary<ulong, int> _told = [];

    public EngineModel Model { get; } = new(profile, seed, reportsTokens, reportsCache: true);

    public List<EngineEvent> Events { get; } = [];

    public List<CacheEvent> CacheEvents { get; } = [];

    /// <summary>What is cached now.</summary>
    public HashSet<ulong> Resident
    {
        get
        {
            HashSet<ulong> resident = [];
            Model.VisitResident(hash => Assert.True(resident.Add(hash) || profile.Cache == CacheKind.Slots));
            return resident;
        }
    }

    public Instant Now { get; private set; }

    /// <summary>A small replica whose steps take 10 ms and 0.1 ms for each prefill token.</summary>
    public static EngineProfile Profile(
        int kvBlocks = 64,
        int blockSize = 4,
        int budget = 32,
        int sequences = 8,
        CacheKind cache = CacheKind.Paged) => new()
    {
        Name = "test",
        Accelerator = "test",
        Model = "test",
        Engine = "test",
        Source = "invented",
        Step = new() { D0 = 10, D1 = 0, D2 = 0, P1 = 0.1, KneeTokens = 0 },
        Cache = cache,
        KvBlocks = kvBlocks,
        BlockSize = blockSize,
        BatchedTokensMax = budget,
        SequencesMax = sequences,
        ModelLengthMax = (cache == CacheKind.Slots ? kvBlocks / sequences : kvBlocks) * blockSize,
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

    /// <summary>
    /// Submits real tokens, of which the last <paramref name="output"/> are the answer, runs them, and returns how many
    /// were cached.
    /// </summary>
    public int Serve(long id, uint[] tokens, int output)
    {
        var chain = PromptChain.Of(tokens, profile.BlockSize);
        Assert.Equal(
            SubmitVerdict.Accepted,
            Model.Submit(new EngineRequest(id, tokens.Length - output, output, chain, tokens), Now));
        RunToEnd();
        return Single(id, EngineEventKind.Scheduled).Tokens;
    }

    /// <summary>The engine's process dies; who listened to it begins anew.</summary>
    public void Restart()
    {
        Model.Restart(Now);
        _told.Clear();
    }

    public void AdvanceTo(Instant until)
    {
        foreach (var happened in Model.Advance(until))
        {
            Events.Add(happened);
        }

        Now = until;
        Model.Verify();
        Listen();
    }

    /// <summary>Fetches the cache events and compares what they tell with what is there.</summary>
    public void Listen()
    {
        foreach (var told in Model.TakeCacheEvents())
        {
            CacheEvents.Add(told);
            Apply(told);
        }

        if (profile.Cache != CacheKind.Slots)
        {
            Assert.True(Resident.SetEquals(_told.Keys));
        }
    }

    private void Apply(in CacheEvent told)
    {
        switch (told.Kind)
        {
            case CacheEventKind.Stored:
                Assert.True(told.Parent is not { } parent || _told.ContainsKey(parent));
                foreach (var hash in told.Hashes.Span)
                {
                    _told[hash] = _told.GetValueOrDefault(hash) + 1;
                    Assert.True(_told[hash] == 1 || profile.Cache == CacheKind.Paged);
                }

                break;
            case CacheEventKind.Removed:
                foreach (var hash in told.Hashes.Span)
                {
                    Assert.True(_told[hash] > 0);
                    if (--_told[hash] == 0)
                    {
                        _told.Remove(hash);
                    }
                }

                break;
            case CacheEventKind.Cleared:
                _told.Clear();
                break;
        }
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
