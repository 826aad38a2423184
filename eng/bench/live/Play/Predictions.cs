using System.Text.Json;

namespace Penstock.LiveBench.Play;

/// <summary>
/// What the gateway believed to be cached when it decided, beside what the engine then reported. Read from the admin
/// API after the run; the gateway forgets old decisions, and a document without these fields gives nothing.
/// </summary>
/// <param name="Requests">How many decisions were compared.</param>
/// <param name="Predicted">Sum of the tokens believed to be cached on the chosen replica.</param>
/// <param name="Reported">Sum of the tokens that were.</param>
/// <param name="WithinBlock">Share of the requests where both differ by at most 64 tokens.</param>
internal sealed record Predictions(int Requests, long Predicted, long Reported, double WithinBlock)
{
    private const int BlockTokens = 64;

    public static async Task<Predictions?> ReadAsync(
        HttpClient http, Uri admin, string key, IEnumerable<Sample> samples)
    {
        var (count, within) = (0, 0);
        var (predicted, reported) = (0L, 0L);
        foreach (var sample in samples)
        {
            if (sample.Decision is not { } id || await MatchedAsync(http, admin, key, id) is not { } matched)
            {
                continue;
            }

            count++;
            predicted += matched;
            reported += sample.Tokens.Cached;
            within += Math.Abs(matched - sample.Tokens.Cached) <= BlockTokens ? 1 : 0;
        }

        return count == 0 ? null : new Predictions(count, predicted, reported, (double)within / count);
    }

    private static async Task<long?> MatchedAsync(HttpClient http, Uri admin, string key, string id)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(admin, "/admin/decisions/" + id));
        request.Headers.Add("x-api-key", key);
        using var response = await http.SendAsync(request);
        if (!response.IsSuccessStatusCode)
        {
            return null;
        }

        using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync());
        if (!document.RootElement.TryGetProperty("replica", out var replica)
            || !document.RootElement.TryGetProperty("candidates", out var candidates))
        {
            return null;
        }

        foreach (var candidate in candidates.EnumerateArray())
        {
            if (candidate.GetProperty("replica").GetString() == replica.GetString()
                && candidate.TryGetProperty("matched_tokens", out var matched))
            {
                return matched.GetInt64();
            }
        }

        return null;
    }
}
