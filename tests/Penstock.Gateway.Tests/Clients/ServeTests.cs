namespace Penstock.Gateway.Tests.Clients;

/// <summary>What <c>penstock serve</c> promises whoever starts it.</summary>
public class ServeTests
{
    [Fact]
    public async Task Prints_what_a_client_needs_and_ends_with_0_when_asked_to()
    {
        await using var gateway = await GatewayProcess.Start();
        await gateway.Stop();

        Assert.Contains(gateway.Url.ToString().TrimEnd('/'), gateway.Output, StringComparison.Ordinal);
        Assert.Contains(gateway.Key, gateway.Output, StringComparison.Ordinal);
        Assert.Contains("curl ", gateway.Output, StringComparison.Ordinal);
        Assert.Contains("ANTHROPIC_BASE_URL", gateway.Output, StringComparison.Ordinal);
        Assert.Contains("simulated", gateway.Output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Comes_back_with_the_same_key_after_kill_9()
    {
        await using var gateway = await GatewayProcess.Start();
        var key = gateway.Key;
        await gateway.Kill();
        await gateway.Start();
        Assert.Equal(key, gateway.Key);
        await gateway.Stop();
    }

    [Fact]
    public async Task The_key_file_is_for_its_owner_alone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "files have no mode here");
        await using var gateway = await GatewayProcess.Start();
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite,
                File.GetUnixFileMode(Path.Combine(gateway.DataFolder, "key")));
        }

        await gateway.Stop();
    }
}
