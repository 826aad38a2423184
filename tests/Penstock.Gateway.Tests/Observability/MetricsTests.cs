using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Penstock.Core.Models;
using Penstock.Gateway.Observability;
using Penstock.Gateway.Requests;
using Penstock.Gateway.Tests.Configuration;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Observability;

public sealed partial class MetricsTests
{
    private const string MessagesRoute = "POST /v1/messages";

    [Fact]
    public async Task Counts_requests_tokens_and_money_by_model_and_pool()
    {
        await using var gateway = await ObservedGateway.StartAsync();
        Assert.Equal(200, await gateway.AskAsync(stream: true));
        Assert.Equal(200, await gateway.AskAsync(stream: false));
        Assert.Equal(404, await gateway.AskAsync(stream: false, model: "no-such-model"));
        var page = await gateway.MetricsAsync();

        Assert.Equal(2, page.Sum(
            "penstock_requests_total", ("model", "test-model"), ("pool", "p"), ("outcome", "completed"),
            ("status", "2xx"), ("dialect", "anthropic")));
        Assert.Equal(1, page.Sum(
            "penstock_requests_total", ("model", "none"), ("outcome", "model_not_found"), ("status", "4xx")));
        Assert.Equal(1, page.Sum("penstock_refusals_total", ("kind", "model_not_found"), ("blame", "client")));
        Assert.Equal(20, page.Sum("penstock_tokens_total", ("model", "test-model"), ("category", "input")));
        Assert.Equal(4, page.Sum("penstock_tokens_total", ("model", "test-model"), ("category", "cache_read")));
        Assert.Equal(4, page.Sum("penstock_tokens_total", ("model", "test-model"), ("category", "output")));
        Assert.Equal(0.0324, page.Sum("penstock_cost_usd_total", ("model", "test-model")), 9);
        Assert.Equal(3, page.Sum("penstock_request_duration_seconds_count"));
        Assert.Equal(3, page.Sum("penstock_overhead_seconds_count", ("dialect", "anthropic")));
        Assert.Equal(1, page.Sum("penstock_time_to_first_byte_seconds_count"));
        Assert.Equal(2, page.Sum(
            "gen_ai_server_request_duration_seconds_count", ("gen_ai_request_model", "test-model")));
        Assert.Equal(1, page.Sum("gen_ai_server_time_to_first_token_seconds_count"));
        Assert.Equal(24, page.Sum("gen_ai_client_token_usage_sum", ("gen_ai_token_type", "input")));
        Assert.Equal(2, page.Sum("penstock_journal_settlements_total"));
        Assert.Equal(2, page.Sum("penstock_decisions_kept"));
        Assert.Equal(1, page.Sum("penstock_config_version"));
        Assert.Equal(0, page.Sum("penstock_in_flight"));
        Assert.Equal(3, page.Sum("penstock_log_lines_total"));
        Assert.Equal(1, page.Sum("penstock_replica_health", ("replica", "r1")));
        Assert.Equal(1, page.Sum("penstock_replica_routable", ("replica", "r1")));
        Assert.Equal(65_536, page.Sum("penstock_replica_prefix_blocks_limit", ("pool", "p"), ("replica", "r1")));
        Assert.InRange(page.Sum("penstock_replica_prefix_blocks", ("replica", "r1")), 1, 10);
        Assert.Equal(16_000, page.Sum("penstock_replica_prefix_tokens_limit", ("replica", "r1")));
        Assert.InRange(page.Sum("penstock_replica_prefix_tokens", ("replica", "r1")), 1, 100);
        Assert.Equal(0, page.Sum("penstock_replica_prefix_overflows_total", ("replica", "r1")));
        Assert.Equal(0, page.Sum("penstock_replica_cache_event_unknown_total", ("replica", "r1")));
    }

    [Fact]
    public async Task Counts_an_engine_that_failed_by_its_kind_and_blame()
    {
        await using var gateway = await ObservedGateway.StartAsync();
        gateway.Engine.On(MessagesRoute, Script.Reply(500, """{"error":{"message":"out of order"}}"""));
        var status = await gateway.AskAsync(stream: false);
        var page = await gateway.MetricsAsync();

        Assert.True(status >= 500);
        Assert.Equal(1, page.Sum("penstock_requests_total", ("outcome", "engine_failed"), ("pool", "p")));
        Assert.Equal(1, page.Sum("penstock_refusals_total", ("kind", "engine_failed"), ("blame", "engine")));
        Assert.Equal(1, page.Sum("gen_ai_server_request_duration_seconds_count", ("error_type", "engine_failed")));
    }

    [Fact]
    public async Task Shows_what_is_in_flight_and_where()
    {
        await using var gateway = await ObservedGateway.StartAsync();
        var gate = new Gate();
        gateway.Engine.On(MessagesRoute, Script.Empty.Pass(gate).Send(HttpBytes.Response(
            200, CannedAnswers.Message(new EngineFacts()), "application/json", "")));
        var asked = gateway.AskAsync(stream: false);
        await gate.Reached;
        var during = await gateway.ScrapeAsync();
        gate.Open();
        Assert.Equal(200, await asked);
        var after = await gateway.MetricsAsync();

        Assert.Equal(1, during.Sum("penstock_in_flight"));
        Assert.Equal(1, during.Sum("penstock_replica_in_flight", ("pool", "p"), ("replica", "r1")));
        Assert.True(during.Sum("penstock_replica_prefill_tokens") > 0);
        Assert.Equal(0, after.Sum("penstock_in_flight"));
        Assert.Equal(0, after.Sum("penstock_replica_in_flight"));
    }

    [Fact]
    public async Task Made_up_model_names_add_no_series()
    {
        await using var gateway = await ObservedGateway.StartAsync();
        Assert.Equal(404, await gateway.AskAsync(stream: false, model: "made-up"));
        var before = await gateway.ScrapeIdleAsync();
        await Parallel.ForAsync(
            0, 10_000, new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (i, _) => Assert.Equal(404, await gateway.AskAsync(stream: false, model: $"made-up-{i}")));
        var page = await gateway.MetricsAsync();

        Assert.Equal(10_001, page.Sum("penstock_requests_total", ("outcome", "model_not_found")));
        Assert.Equal(OfRequests(before), OfRequests(page));
        Assert.DoesNotContain(
            page.Families.Values.SelectMany(f => f.Samples).SelectMany(s => s.Labels.Values),
            v => v.Contains("made-up", StringComparison.Ordinal));
    }

    [Fact]
    public void A_full_table_of_series_counts_the_rest_under_other()
    {
        var table = new SeriesTable(seriesMax: 100);
        for (var i = 0; i < 10_000; i++)
        {
            table.Find(Key($"model-{i}", i % 1000), "own").Count();
        }

        Assert.Equal(100, table.Count);
        Assert.Equal(10_000, table.All.Sum(s => s.Requests));
        var other = table.All.Single(s => s.Labels.Contains(new("model", RequestMetrics.Other)));
        Assert.Equal(9_901, other.Requests);
        Assert.Equal(9_901, table.Folded);
        Assert.True(table.Usage.Count <= 100);
    }

    [Fact]
    public void Retries_are_counted()
    {
        using var meter = new Meter("Penstock.Test");
        using var pipeline = new MetricsPipeline(meter, null);
        var metrics = new RequestMetrics(meter);
        metrics.Retried();
        metrics.Retried();
        Assert.Equal(2, OpenMetricsPage.Parse(pipeline.Collect()).Sum("penstock_retries_total"));
    }

    [Fact]
    public void Label_values_and_help_are_escaped()
    {
        const string Awkward = "a\"b\\c\nd\u00e9";
        using var meter = new Meter("Penstock.Test");
        meter.CreateObservableGauge(
            "x.y", () => new Measurement<int>(1, new KeyValuePair<string, object?>("model.name", Awkward)), "{thing}",
            Awkward);
        using var metrics = new MetricsPipeline(meter, null);
        meter.CreateHistogram<double>("h", "s", "Help.").Record(2);
        var page = OpenMetricsPage.Parse(metrics.Collect());

        Assert.Equal(Awkward, page.Families["x_y"].Samples.Single().Labels["model_name"]);
        Assert.Equal(Awkward, page.Families["x_y"].Help);
        Assert.Equal("seconds", page.Families["h_seconds"].Unit);
    }

    [Fact]
    public void Another_gateway_in_the_process_is_not_counted()
    {
        using var mine = new Meter(TelemetryRoom.MeterName);
        using var other = new Meter(TelemetryRoom.MeterName);
        using var metrics = new MetricsPipeline(mine, null);
        mine.CreateObservableCounter("a", () => 1, null, "Mine.");
        other.CreateObservableCounter("b", () => 1, null, "Not mine.");
        var page = OpenMetricsPage.Parse(metrics.Collect());

        Assert.Contains("a", page.Families.Keys);
        Assert.DoesNotContain("b", page.Families.Keys);
    }

    [Theory]
    [InlineData("process.cpu", "s", true, "process_cpu_seconds", "seconds")]
    [InlineData("a.seconds", "s", false, "a_seconds", "seconds")]
    [InlineData("a.total", "By", true, "a_bytes", "bytes")]
    [InlineData("a", "{token}", true, "a", "")]
    [InlineData("9a", "1", false, "_9a", "")]
    public void Names_follow_the_instrument_and_its_unit(
        string instrument, string unit, bool counter, string family, string word) =>
        Assert.Equal(new MetricName(family, word, false), MetricName.Of(instrument, unit, counter));

    [Fact]
    public async Task A_replica_that_is_gone_is_no_longer_shown()
    {
        await using var gateway = await ObservedGateway.StartAsync();
        var before = await gateway.ScrapeAsync();
        await using var next = Personality.Vllm.Start();
        gateway.Reload(next.Url);
        var after = await gateway.ScrapeAsync();

        Assert.NotEmpty(before.Find("penstock_replica_routable", ("replica", "r1")));
        Assert.Single(after.Find("penstock_replica_routable"));
        Assert.Empty(after.Find("penstock_replica_health", ("replica", "r1")));
        Assert.Equal(2, after.Sum("penstock_config_version"));
    }

    /// <summary>The list in the documentation is the page itself, family for family.</summary>
    [Fact]
    public async Task The_documentation_lists_every_metric_with_its_type_and_labels()
    {
        await using var gateway = await ObservedGateway.StartAsync();
        await gateway.AskAsync(stream: true);
        gateway.Engine.Once(MessagesRoute, Script.Reply(500, "{}"));
        await gateway.AskAsync(stream: false);
        await gateway.Engine.RequestAsync("GET /metrics", TestContext.Current.CancellationToken);
        var page = await gateway.MetricsAsync();
        while (!page.Find("penstock_replica_kv_usage").Any())
        {
            page = await gateway.ScrapeAsync();
        }

        var shown = page.Families.Values
            .Where(f => !f.Name.StartsWith("dotnet_", StringComparison.Ordinal))
            .Select(f => $"{f.Name} {f.Type} {Labels(f)}".TrimEnd());
        var listed = Row().Matches(Documents.RepositoryFile("docs/observability.md")).Select(m =>
            $"{m.Groups["name"].Value} {m.Groups["type"].Value} {m.Groups["labels"].Value.Trim()}".TrimEnd());
        Assert.Equal(shown.Order(), listed.Order());
    }

    private static int OfRequests(OpenMetricsPage page) =>
        page.Families.Values.Where(f => f.Samples.Exists(s => s.Labels.ContainsKey("model")))
            .Where(f => !f.Name.StartsWith("penstock_replica", StringComparison.Ordinal))
            .Sum(f => f.Samples.Count);

    private static string Labels(MetricFamily family) =>
        string.Join(", ", family.Samples.SelectMany(s => s.Labels.Keys).Distinct().Where(k => k != "le").Order());

    private static SeriesKey Key(string model, int status) =>
        new(model, "p", Dialect.Anthropic, Operation.Generate, "completed", status);

    [GeneratedRegex(
        @"^\| `(?<name>[a-z_]+)` \| (?<type>counter|gauge|histogram|info) \|(?<labels>[^|]*)\|",
        RegexOptions.Multiline)]
    private static partial Regex Row();
}
