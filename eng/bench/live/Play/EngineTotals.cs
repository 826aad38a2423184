using System.Globalization;

namespace Penstock.LiveBench.Play;

/// <summary>What one engine has counted since it started, by vLLM's metric names. Times in virtual seconds.</summary>
internal readonly record struct EngineTotals(
    double Requests, double FirstTokenSeconds, double PromptTokens, double CachedTokens, double Preemptions)
{
    public static async Task<EngineTotals[]> ReadAsync(HttpClient http, Uri[] engines) =>
        await Task.WhenAll(engines.Select(async engine =>
            Parse(await http.GetStringAsync(new Uri(engine, "/metrics")))));

    public static EngineTotals operator -(EngineTotals after, EngineTotals before) => new(
        after.Requests - before.Requests,
        after.FirstTokenSeconds - before.FirstTokenSeconds,
        after.PromptTokens - before.PromptTokens,
        after.CachedTokens - before.CachedTokens,
        after.Preemptions - before.Preemptions);

    private static EngineTotals Parse(string text) => new(
        Value(text, "vllm:time_to_first_token_seconds_count"),
        Value(text, "vllm:time_to_first_token_seconds_sum"),
        Value(text, "vllm:prefix_cache_queries_total"),
        Value(text, "vllm:prefix_cache_hits_total"),
        Value(text, "vllm:num_preemptions_total"));

    private static double Value(string text, string name)
    {
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(name, StringComparison.Ordinal) && line[name.Length] is '{' or ' ')
            {
                return double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
            }
        }

        return 0;
    }
}
