using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Models;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Hosting;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Recording;

public sealed partial class UnwritableFolderTests
{
    /// <summary>Where its folder should be is a file.</summary>
    [Fact]
    public async Task A_gateway_that_cannot_record_its_decisions_serves_and_counts_it()
    {
        await using var engine = Personality.Vllm.Start();
        var data = Directory.CreateTempSubdirectory("penstock-unwritable-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(data.FullName, "decisions"), "", RunningGateway.Guard);
            var document = RunningGateway.Document(engine);
            var load = ConfigLoader.FromDocument(
                document, 1, SecretReader.FromProcess(Path.GetTempPath()).Read(document));
            var source = FleetSource.TryCreate(load, TimeProvider.System, NullLogger<FleetSource>.Instance)!;
            var options = new GatewayOptions { Port = 0, AdminPort = 0, Data = data.FullName };
            using var told = new FaultLog();
            await using var host = await GatewayHost.StartAsync(
                options, source, TimeProvider.System, told, RunningGateway.Guard);
            Assert.True(await host.WaitUntilReadyAsync(TimeSpan.FromMinutes(1), RunningGateway.Guard));
            using var client = new HttpClient();
            client.DefaultRequestHeaders.Add("x-api-key", RunningGateway.Key);
            using var body = new StringContent(
                Bodies.Of(Dialect.Anthropic, stream: false), Encoding.UTF8,
                new MediaTypeHeaderValue("application/json"));
            using var answer = await client.PostAsync(
                new Uri(host.Url, Bodies.Messages), body, RunningGateway.Guard);
            Assert.Equal(200, (int)answer.StatusCode);
            var page = "";
            while (!Failed().IsMatch(page))
            {
                page = await client.GetStringAsync(new Uri(host.AdminUrl, "/metrics"), RunningGateway.Guard);
            }

            Assert.Contains(told.News, n => n.Contains("cannot be written; requests go on", StringComparison.Ordinal));
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    /// <summary>Once at least: it is tried again while this is looked at.</summary>
    [GeneratedRegex("\npenstock_decision_log_failures_total [1-9]")]
    private static partial Regex Failed();
}
