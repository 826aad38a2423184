using Penstock.Cli.Serve;
using Penstock.Gateway.Tests.Engines;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.CommandLine;

public class EngineFleetTests
{
    [Fact]
    public async Task An_engine_that_is_late_with_a_page_is_asked_again_before_it_is_configured_as_another_kind()
    {
        await using var engine = Personality.Vllm.Start(new EngineFacts { OwnedBy = "somebody" });
        engine.Once("GET /metrics", Script.Empty.Hang());
        var calls = new ManualClock();
        var found = await Wires.PassTimeAsync(
            engine, calls, EngineFleet.ProbeAsync([engine.Url], calls, TestContext.Current.CancellationToken));
        Assert.Equal("vllm", Assert.Single(found).Identity!.Adapter.Name);
        Assert.Equal(2, engine.To("GET /metrics").Count());
    }
}
