using Penstock.Core.Prefixes;

namespace Penstock.Core.Routing;

/// <summary>
/// What an engine said of one request, within what one request can be: a single report that counts without sense must
/// not change what is known of the whole pool.
/// </summary>
internal static class PlausibleReport
{
    /// <summary>Tokens of an answer at most, beyond the longest contexts that are served.</summary>
    private const long OutputMax = 1 << 20;

    /// <summary>A prompt has at most so many times the tokens that were estimated, and so many more: images and
    /// templates do not show in its text.</summary>
    private const long PromptTimes = 16;
    private const long PromptBeyond = 1 << 18;

    /// <summary>The same where it is to say something of the rate of prefill.</summary>
    private const long TellingTimes = 4;
    private const long TellingBeyond = 4_096;

    /// <summary>An answer moves what is expected of others as if it were at most so many times as long as expected,
    /// or so long.</summary>
    private const long OutputTimes = 16;
    private const long OutputAnyway = 8_192;
    private const long LearntOutputMax = 1 << 17;

    /// <summary>The report, with what cannot be cut to what can.</summary>
    public static CacheReport Of(in CacheReport report, in TicketTable.InFlight request) =>
        Of(in report, request.PromptTokens);

    /// <param name="report">The report.</param>
    /// <param name="estimated">Tokens that the prompt was taken to have.</param>
    public static CacheReport Of(in CacheReport report, long estimated)
    {
        var prompt = Math.Min(report.PromptTokens, (PromptTimes * estimated) + PromptBeyond);
        return report with
        {
            PromptTokens = prompt,
            CachedTokens = prompt > 0 ? Math.Min(report.CachedTokens, prompt) : report.CachedTokens,
            OutputTokens = Math.Clamp(report.OutputTokens, 0, OutputMax),
        };
    }

    /// <summary>Uncached tokens beyond which a report says nothing of the rate of prefill.</summary>
    public static long Telling(in TicketTable.InFlight request) =>
        (TellingTimes * request.PromptTokens) + TellingBeyond;

    /// <summary>The length of the answer, for what is expected of others.</summary>
    public static long Output(in CacheReport report, in TicketTable.InFlight request) =>
        Math.Min(
            Math.Min(report.OutputTokens, LearntOutputMax), Math.Max(OutputAnyway, OutputTimes * request.OutputTokens));
}
