namespace Penstock.Simulator.Tests.Prefixes;

/// <summary>
/// The same as <see cref="MirrorAccuracyTests"/> where engines publish what happens in their caches and the pool is
/// told: by bytes, where events only correct, and by tokens, where they name blocks. One batch of a hundred is lost and
/// one overtaken; engine and gateway are restarted on the way.
/// </summary>
public class EventAccuracyTests
{
    private static readonly EventFaults Repaired = new() { LossRate = 0.01, ReorderRate = 0.01 };
    private static readonly EventFaults Unrepaired = new() { LossRate = 0.01, ReplayWindow = 0 };

    [Fact]
    public void Keyed_by_bytes_predicts_as_well_as_without_events() => Live(Repaired, tokens: false);

    [Fact]
    public void Keyed_by_tokens_predicts_as_well_as_by_bytes() => Live(Repaired, tokens: true);

    [Fact]
    public void Keyed_by_tokens_predicts_better_than_without_events_where_nothing_lost_can_be_had_again()
    {
        using var fleet = Fleet(Unrepaired, tokens: true);
        fleet.Run(1_000);
        fleet.Run(800);
        var near = MirrorAccuracyTests.Print(fleet, "");
        using var deaf = Fleet(null, tokens: true);
        deaf.Run(1_000);
        deaf.Run(800);
        var without = MirrorAccuracyTests.Print(deaf, "without events:");
        Assert.True(near > without + 0.2, $"{near} with events, {without} without");
    }

    private static void Live(EventFaults faults, bool tokens)
    {
        using var fleet = Fleet(faults, tokens);
        fleet.Run(1_000);
        fleet.Run(1_200);
        Print(fleet, "at first");
        MirrorAccuracyTests.AssertAgrees(fleet, 0.05);
        Assert.True(fleet.Wires.Sum(w => w.Gaps) > 100);
        Assert.All(fleet.Wires, w => Assert.Equal(0, w.Restarts));

        fleet.RestartEngine(1);
        fleet.Run(500);
        Print(fleet, "after a restarted engine");
        MirrorAccuracyTests.AssertAgrees(fleet, 0.05);
        Assert.Equal([0, 1, 0, 0], fleet.Wires.Select(w => w.Restarts));

        fleet.RestartGateway();
        fleet.Run(800);
        Print(fleet, "after a restarted gateway, learning");
        fleet.Run(800);
        Print(fleet, "then");
        MirrorAccuracyTests.AssertAgrees(fleet, 0.05);
    }

    private static void Print(MirroredFleet fleet, string what) =>
        MirrorAccuracyTests.Print(fleet, $"{what}: {fleet.Wires.Sum(w => w.Gaps)} gaps;");

    private static MirroredFleet Fleet(EventFaults? faults, bool tokens) => new(
        MirrorAccuracyTests.Profile, new Workload(230, 8, 120) { KeysAreTokens = tokens, Events = faults }, 4, 1);
}
