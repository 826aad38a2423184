using System.Text;
using Penstock.Wire.LlamaCpp;

namespace Penstock.Wire.Tests.LlamaCpp;

public class LlamaCppTests
{
    private const string Props = """
        {"default_generation_settings":{"params":{"temperature":0.8},"n_ctx":512},"total_slots":2,"model_alias":"m",
        "modalities":{"vision":true},"endpoint_slots":true,"endpoint_metrics":false,"build_info":"b1"}
        """;

    private const string Slots = """
        [{"id":0,"n_ctx":512,"is_processing":true,"n_prompt_tokens":100,"next_token":[{"n_decoded":28}]},
        {"id":1,"n_ctx":512,"is_processing":false,"n_prompt_tokens":300}]
        """;

    [Fact]
    public void Reads_the_properties()
    {
        var props = LlamaCppProps.Parse(Encoding.UTF8.GetBytes(Props))!;
        Assert.Equal((2, 512, "b1", "m"), (props.Slots, props.SlotContextTokens, props.Build, props.ModelAlias));
        Assert.Equal((true, false, true), (props.SlotsEnabled, props.MetricsEnabled, props.TakesImages));
    }

    [Theory]
    [InlineData("b11669-Debian", true)]
    [InlineData("b6730", true)]
    [InlineData("b6500-abc", false)]
    [InlineData("b", false)]
    [InlineData("1.2.3", false)]
    [InlineData("b99999999999999", false)]
    public void The_build_says_whether_prompts_without_a_slot_are_kept(string build, bool keeps) => Assert.Equal(
        keeps, LlamaCppProps.Parse(Encoding.UTF8.GetBytes(Props.Replace("b1", build)))!.KeepsOnHostByDefault);

    [Theory]
    [InlineData("""{"total_slots":2}""")]
    [InlineData("""{"default_generation_settings":{}}""")]
    [InlineData("""{"error":{"code":404}}""")]
    [InlineData("null")]
    public void Properties_of_something_else_are_none_of_ours(string body) =>
        Assert.Null(LlamaCppProps.Parse(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void Only_busy_slots_hold_what_counts_as_used()
    {
        var slots = LlamaCppSlots.Parse(Encoding.UTF8.GetBytes(Slots))!.Value;
        Assert.Equal((2, 1, 128, 1024), (slots.Slots, slots.Busy, slots.UsedTokens, slots.ContextTokens));
        Assert.Null(LlamaCppSlots.Parse("[]"u8.ToArray()));
    }

    [Fact]
    public void Reads_the_metrics_page_with_and_without_the_cache_usage()
    {
        var metrics = LlamaCppMetrics.Parse("""
            llamacpp:prompt_tokens_total 600
            llamacpp:prompt_tokens_cached_total 400
            llamacpp:prompt_tokens_seconds 12
            llamacpp:tokens_predicted_total 9
            llamacpp:requests_processing 2
            llamacpp:requests_deferred 5
            """u8)!.Value;
        Assert.Equal((2, 5), (metrics.Running, metrics.Deferred));
        Assert.Equal(
            (600, 400, 9), (metrics.ComputedPromptTokens, metrics.CachedPromptTokens, metrics.GenerationTokens));
        Assert.Null(metrics.KvUsage);
        Assert.Equal(0.5, LlamaCppMetrics.Parse("llamacpp:kv_cache_usage_ratio 0.5"u8)!.Value.KvUsage);
    }

    [Theory]
    [InlineData("""{"status":"ok"}""", true)]
    [InlineData("""{"status":"no slot available"}""", true)]
    [InlineData("""{"status":"loading model"}""", false)]
    [InlineData("""{"status":"error"}""", false)]
    [InlineData("", false)]
    [InlineData("ok", false)]
    public void Knows_from_the_words_whether_it_is_well(string body, bool well) =>
        Assert.Equal(well, LlamaCppHealth.IsWell(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void Survives_any_body()
    {
        Mutations.Survives(Encoding.UTF8.GetBytes(Props), body => LlamaCppProps.Parse(body));
        Mutations.Survives(Encoding.UTF8.GetBytes(Slots), body => LlamaCppSlots.Parse(body));
    }
}
