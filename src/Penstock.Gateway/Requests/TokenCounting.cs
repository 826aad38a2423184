using System.Globalization;
using System.Text;
using Penstock.Core.Models;
using Penstock.Engines;

namespace Penstock.Gateway.Requests;

/// <summary>Answers <c>count_tokens</c> where the engine cannot: an estimate from the prompt's length.</summary>
internal static class TokenCounting
{
    private const double BytesPerToken = 4;

    public static bool CanAsk(Exchange x, EngineIdentity identity) =>
        x.Dialect == Dialect.Anthropic && identity.Can(EngineCapabilities.CountTokens);

    public static async Task EstimateAsync(Exchange x)
    {
        var tokens = Math.Max(1, (long)(x.Chain.Bytes / BytesPerToken));
        var response = x.Http.Response;
        response.StatusCode = 200;
        response.ContentType = "application/json";
        Reply.Identify(x);
        response.Headers["penstock-estimate"] = "true";
        await Reply.WriteWholeAsync(
            x, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"input_tokens\":{tokens}}}")));
    }
}
