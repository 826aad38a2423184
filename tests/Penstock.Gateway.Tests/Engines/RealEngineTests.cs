using Penstock.Core.Replicas;
using Penstock.Engines;
using Penstock.Engines.Probing;

namespace Penstock.Gateway.Tests.Engines;

/// <summary>The llama.cpp adapter against a real llama-server, where one can be had.</summary>
public class RealEngineTests
{
    [Fact]
    public async Task The_adapter_knows_a_real_llama_server()
    {
        var tool = RealEngine.Find();
        Assert.SkipWhen(tool is null, "no real-engine tool: set PENSTOCK_DATA to the folder of the test data");
        Assert.SkipWhen(await RealEngine.RunAsync(tool, "check") is (77, _), "a llama-server cannot be had here");
        var pidFile = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var (exit, output) = await RealEngine.RunAsync(tool, "start", "--port", "0", "--pidfile", pidFile);
        Assert.Equal(0, exit);
        try
        {
            await CheckAsync(new EngineEndpoint(new Uri(output.Trim())));
        }
        finally
        {
            await RealEngine.RunAsync(tool, "stop", "--pidfile", pidFile);
        }
    }

    private static async Task CheckAsync(EngineEndpoint endpoint)
    {
        using var client = new EngineClient(TimeProvider.System);
        var identity = (await EngineProbe.IdentifyAsync(client, endpoint, null, Wires.Guard)).Identity!;
        Assert.Equal("llamacpp", identity.Adapter.Name);
        Assert.Equal("stories260k", Assert.Single(identity.Models).Id);
        Assert.Equal((512, 2), (identity.ContextTokens, identity.Slots));
        Assert.NotNull(identity.Version);
        Assert.True(identity.Can(
            EngineCapabilities.NativeMessages | EngineCapabilities.NativeChat | EngineCapabilities.CountTokens
            | EngineCapabilities.Tokenize | EngineCapabilities.Metrics | EngineCapabilities.LoadEndpoint));
        var adapter = identity.Adapter;
        Assert.Equal(HealthSignal.ProbeSucceeded, await adapter.CheckHealthAsync(client, endpoint, Wires.Guard));
        var load = (await adapter.ReadLoadAsync(client, endpoint, identity, Wires.Guard))!;
        Assert.True(load.IsIdle);

        // The probes above must not have made it work.
        Assert.Equal((0, 0), (load.PromptTokensTotal, load.GenerationTokensTotal));
    }
}
