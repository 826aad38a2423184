using System.Text.Json;

namespace Penstock.Gateway.Tests.CommandLine;

public class ReportTests
{
    private const string Decision = """
        {
          "id": "dec_1", "request_id": "req_9", "model": "m", "requested_model": "alias", "pool": "p",
          "policy": "penstock", "replica": "r1", "runner_up": "r2", "prompt_tokens": 12345, "chain_blocks": 96,
          "candidates": [
            {"replica": "r1", "eligible": true, "cost": 12.5, "matched_tokens": 12000, "uncached_tokens": 345,
             "terms": [{"name": "queue", "value": 9.5, "unit": "ms"}, {"name": "prefill", "value": 3, "unit": "ms"}]},
            {"replica": "r2", "eligible": true, "cost": 40, "uncached_tokens": 12345,
             "terms": [{"name": "queue", "value": 1, "unit": "ms"}, {"name": "prefill", "value": 39, "unit": "ms"}]},
            {"replica": "r3", "eligible": false, "why_not": "draining", "cost": null, "terms": []}
          ],
          "attempts": [{"replica": "r1", "outcome": "ok", "status": 200, "at_ms": 1.5}],
          "usage": {"input_tokens": 345}, "price_usd": "0.001234", "timings_ms": {"routed": 0, "total": 812.25},
          "hints": {}, "snapshot_version": 3, "something_new": [1, {"a": null}]
        }
        """;

    private const string Usage = """
        {
          "rows": [
            {"key": "alice", "model": "m[0]", "requests": 2, "input_tokens": 120, "cache_read_tokens": 4000,
             "output_tokens": 80, "estimated_requests": 1, "price_usd": "0.001234"},
            {"key": "bob", "model": "m[0]", "requests": 1, "price_usd": "1.000000"}
          ],
          "totals": {"requests": 3, "price_usd": "1.001234"}
        }
        """;

    [Fact]
    public async Task A_decision_is_explained_with_its_arithmetic()
    {
        var lines = await Lines(Decision, "explain", "dec_1");
        Assert.Contains("Model     m (asked for as alias)", lines);
        Assert.Contains("Prompt    12,345 tokens, 96 prefix blocks", lines);
        Assert.Contains(
            "Why: r1 costs 12.5 against 40 for r2, mostly for its prefill: 3 against 39 ms.", lines);
        Assert.Contains("Attempt 1 r1: ok, status 200, sent after 1.5 ms", lines);
        Assert.Contains("Timings   routed 0 ms, total 812.25 ms", lines);
        Assert.Contains("Price     0.001234 USD", lines);
        Assert.Equal(
            ["Replica", "Cost", "queue (ms)", "prefill (ms)", "Cached", "Uncached", "Note"],
            Cells(lines.Single(l => l.Contains("Replica"))));
        Assert.Equal(
            [">", "r1", "12.5", "9.5", "3", "12,000", "345", "chosen"], Cells(lines.Single(l => l.Contains("chosen"))));
        Assert.Contains(lines, l => l.Contains("r3") && l.Contains("not eligible: draining"));
    }

    [Fact]
    public async Task A_decision_says_how_many_there_were_and_what_is_unusual_of_each()
    {
        var lines = await Lines(
            """
            {"replica": "a", "runner_up": "b", "policy": "penstock", "cost_kind": "sum", "cost_unit": "s",
             "replicas_considered": 1200, "candidates": [
              {"replica": "a", "eligible": true, "cost": 0.3, "matched_tokens": 999, "load_age_ms": 800,
               "cache_trust": "trusted", "index_tokens": {"device": 1000, "host": 0, "disk": 0, "shared": 0},
               "terms": [{"name": "prefill", "value": 0.3, "unit": "s"}]},
              {"replica": "b", "eligible": true, "cost": 0.7, "matched_tokens": 700, "load_age_ms": 12400,
               "cache_trust": "suspect", "index_tokens": {"device": 512, "host": 256, "disk": 0, "shared": 0},
               "terms": [{"name": "prefill", "value": 0.7, "unit": "s"}]}]}
            """,
            "explain", "dec_1");
        Assert.Contains("Replicas  1,200 considered, the 2 that cost least are shown", lines);
        Assert.Equal(
            ["Replica", "Cost (s)", "prefill (s)", "Cached", "Note"], Cells(lines.Single(l => l.Contains("Replica "))));
        Assert.Contains(lines, l => l.TrimEnd().EndsWith(" chosen", StringComparison.Ordinal));
        Assert.Contains("Why: a costs 0.3 against 0.7 s for b, mostly for its prefill: 0.3 against 0.7 s.", lines);
        var notes = Notes(lines);
        Assert.Contains("its cache index is suspect", notes);
        Assert.Contains("512 (device) and 256 (host)", notes);
        Assert.Contains("told its load 12 s ago", notes);
    }

    [Theory]
    [InlineData("""
        "cost_kind":"rank","candidates":[{"replica":"a","cost":67108864,"terms":[{"name":"waiting","value":1,
        "unit":"requests"},{"name":"uncached","value":5,"unit":"tokens"}]},{"replica":"b","cost":67108999,
        "terms":[{"name":"waiting","value":1,"unit":"requests"},{"name":"uncached","value":9,"unit":"tokens"}]}]
        """, "Why: policy p puts a before b, for its uncached: 5 against 9 tokens.", "Rank", "1")]
    [InlineData("""
        "cost_kind":"product","cost_unit":"tokens·requests","candidates":[{"replica":"a","cost":300,"terms":[
        {"name":"prefill","value":300,"unit":"tokens"},{"name":"load","value":0,"unit":"requests"}]},
        {"replica":"b","cost":800,"terms":[{"name":"prefill","value":400,"unit":"tokens"},
        {"name":"load","value":1,"unit":"requests"}]}]
        """, "Why: a costs 300 against 800 tokens·requests for b, mostly for its load: 0 against 1 requests.",
        "Cost (tokens·requests)", "300")]
    [InlineData("""
        "cost_kind":"draw","candidates":[{"replica":"a","cost":0.25,"terms":[]},{"replica":"b","cost":0.5,"terms":[]}]
        """, "Why: policy p draws, and drew a.", "Draw", "0.25")]
    [InlineData("""
        "cost_kind":"sum","cost_unit":"requests","candidates":[{"replica":"a","cost":7,"terms":[]},
        {"replica":"b","passed_over":true,"terms":[]}]
        """, "Why: policy p prefers a and passes over all others.", "Cost (requests)", "7")]
    [InlineData("""
        "cost_kind":"sum","candidates":[{"replica":"a","cost":0.3,"terms":[{"name":"place","value":0.3,"unit":""}]},
        {"replica":"b","cost":0.7,"terms":[{"name":"place","value":0.7,"unit":""}]}]
        """, "Why: a costs 0.3 against 0.7 for b, mostly for its place: 0.3 against 0.7.", "Cost", "0.3")]
    public async Task A_cost_is_explained_as_what_it_is(string how, string why, string heading, string cost)
    {
        var lines = await Lines($$"""{"policy":"p","replica":"a","runner_up":"b",{{how}}}""", "explain", "dec_1");
        Assert.Contains(why, lines);
        Assert.Equal(heading, Cells(lines.Single(l => l.Contains("Replica ")))[1]);
        Assert.Equal(cost, Cells(lines.Single(l => l.Contains("chosen")))[2]);
    }

    [Fact]
    public async Task A_decision_says_who_was_passed_over_for_an_objective_and_by_how_much()
    {
        const string decision = """
            {"replica": "a", "runner_up": "b", "policy": "penstock", "cost_kind": "sum", "cost_unit": "s",
             "slo_ms": {"first_token": 1500, "per_token": 50}, "candidates": [
              {"replica": "a", "eligible": true, "cost": 0.9, "expected_ms": {"first_token": 800, "per_token": 20},
               "misses": [], "terms": []},
              {"replica": "b", "eligible": true, "passed_over": true, "misses": ["first_token", "per_token"],
               "expected_ms": {"first_token": 2000.5, "per_token": 61}, "terms": []}]}
            """;
        const string missed = "first token expected after 2,000.5 ms, objective 1,500 ms and a token expected every "
            + "61 ms, objective 50 ms";
        var lines = await Lines(decision, "explain", "dec_1");
        Assert.Contains("SLO       first_token 1,500 ms, per_token 50 ms", lines);
        Assert.Contains(
            "Why: policy penstock prefers a and passes over all others, which miss an objective; b, the next: "
            + $"{missed}.",
            lines);
        Assert.Contains($"runner-up, passed over: {missed}", Notes(lines));

        // The same, where it is missed everywhere.
        lines = await Lines(
            decision.Replace("\"passed_over\": true", "\"cost\": 1.1").Replace("[],", "[\"first_token\"],"),
            "explain", "dec_1");
        Assert.Contains($"runner-up, {missed}", Notes(lines));
        Assert.Contains(
            "Why: a costs 0.9 against 1.1 s for b. An objective is expected to be missed there: first token expected "
            + "after 800 ms, objective 1,500 ms. Elsewhere it is too, or costs too much to meet.",
            lines);
    }

    [Theory]
    [InlineData("{}", "Why: no replica was chosen, and no reason was recorded.")]
    [InlineData("""{"reason":"no capacity"}""", "Why: no capacity")]
    [InlineData("""{"replica":"a","policy":"random","candidates":5}""", "Why: policy random chose a.")]
    [InlineData("""{"replica":"a","reason":"sticky"}""", "Why: the policy chose a: sticky.")]
    [InlineData("""{"replica":"a","candidates":[{"replica":"a"}]}""",
        "Why: a was the only replica that could take the request.")]
    [InlineData("""{"replica":"a","runner_up":"b","candidates":[{"replica":"a","cost":2},{"replica":"b","cost":2}]}""",
        "Why: a and b cost the same (2), and the draw chose a.")]
    [InlineData("""{"replica":"a","runner_up":"b","candidates":[{"replica":"a","cost":3},{"replica":"b","cost":2}]}""",
        "Why: a costs 3 against 2 for b, and was chosen although it costs more.")]
    [InlineData("""["not", "a", "decision"]""", "Why: no replica was chosen, and no reason was recorded.")]
    public async Task A_decision_with_fields_missing_is_explained_with_the_rest(string decision, string why) =>
        Assert.Contains(why, await Lines(decision, "explain", "dec_1"));

    [Fact]
    public async Task Usage_is_a_table_with_its_totals()
    {
        var lines = await Lines(Usage, "usage");
        Assert.Equal(["alice", "m[0]", "2", "120", "4,000", "80", "1", "0.001234"], Cells(lines[2]));
        Assert.Equal(["Total", "3", "1.001234"], Cells(lines[^1]));
    }

    [Fact]
    public async Task Usage_says_what_had_no_price()
    {
        var unpriced = Usage.Replace("\"requests\": 3,", "\"requests\": 3, \"unpriced_requests\": 2,");
        var lines = await Lines(unpriced, "usage");
        Assert.StartsWith("Without a price: 2 attempt(s).", lines[^1]);
    }

    [Fact]
    public async Task Usage_is_asked_for_by_what_the_options_say()
    {
        await using var admin = await AdminStandIn.StartAsync(200, """{"rows":[]}""");
        var run = await CommandRun.Of(
            "usage", "--by", "day, model", "--from", "2026-01-01", "--to", "2026-01-31", "--admin-url", admin.Url);
        Assert.Equal("/admin/usage?by=day,model&from=2026-01-01&to=2026-01-31", admin.Asked);
        Assert.Equal("Nothing was used in that time.", run.Output.Trim());
    }

    [Theory]
    [InlineData(Decision, "explain", "dec_1")]
    [InlineData(Usage, "usage")]
    public async Task With_json_the_answer_is_passed_on_and_nothing_else(string answer, params string[] args)
    {
        await using var admin = await AdminStandIn.StartAsync(200, answer);
        var run = await CommandRun.Of([.. args, "--json", "--admin-url", admin.Url]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(answer), JsonElement.Parse(run.Output)));
    }

    /// <summary>The notes of the runner-up, which may be folded.</summary>
    private static string Notes(string[] lines) =>
        string.Join(' ', lines.Where(l => !l.StartsWith("Why", StringComparison.Ordinal))
            .SkipWhile(l => !l.Contains("runner-up")).TakeWhile(l => l.Length > 0).Select(l => l.Trim()));

    private static async Task<string[]> Lines(string answer, params string[] args)
    {
        await using var admin = await AdminStandIn.StartAsync(200, answer);
        var run = await CommandRun.Of([.. args, "--admin-url", admin.Url]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.DoesNotContain('\u001b', run.Output);
        return run.Output.TrimEnd().Split(Environment.NewLine);
    }

    // Columns are at least two blanks apart; an empty cell leaves nothing behind.
    private static string[] Cells(string line) =>
        [.. line.TrimEnd().Split("  ").Select(static c => c.Trim()).Where(static c => c.Length > 0)];
}
