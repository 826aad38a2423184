using System.Text;
using Penstock.Core.Models;
using Penstock.Core.Prefixes;
using Penstock.Wire.Scan;

namespace Penstock.Wire.Tests.Scan;

/// <summary>Everything that a scan tells of one body, as one comparable value.</summary>
internal sealed record Scanned(
    ScanStatus Status, string? Message, string? Param, string Model, ValueRange ModelRange, Flags Flags)
{
    /// <summary>Bytes of the canonical prompt.</summary>
    public long PromptBytes { get; private init; }

    /// <summary>The chain of the canonical prompt, its tail filled up so that every byte of it counts.</summary>
    public string Chain { get; private init; } = "";

    public static Scanned Of(string body, Dialect dialect = Dialect.Anthropic, bool isCount = false) =>
        Of(Encoding.UTF8.GetBytes(body), dialect, isCount);

    /// <summary>Scans a body that arrives in pieces that end at <paramref name="cuts"/>.</summary>
    public static Scanned Of(
        byte[] body, Dialect dialect = Dialect.Anthropic, bool isCount = false, int depthMax = 64, params int[] cuts)
    {
        var scan = new BodyScan(depthMax);
        scan.Start(dialect, isCount);
        var status = ScanStatus.NeedMore;
        foreach (var cut in cuts)
        {
            status = scan.Advance(body.AsSpan(0, cut), isFinal: false);
            if (status == ScanStatus.Failed)
            {
                return From(scan, status, body);
            }

            Assert.Equal(ScanStatus.NeedMore, status);
        }

        return From(scan, scan.Advance(body, isFinal: true), body);
    }

    public static Scanned From(BodyScan scan, ScanStatus status, ReadOnlySpan<byte> body)
    {
        Assert.Equal(status == ScanStatus.Failed, scan.Failure is not null);
        if (status == ScanStatus.Failed)
        {
            return new Scanned(status, scan.Failure!.Message, scan.Failure.Param, "", default, default);
        }

        using var chain = new PrefixChainBuilder();
        chain.Start(1);
        scan.FeedPrompt(body, chain);
        var bytes = chain.Bytes;
        chain.Append(new byte[PrefixChainBuilder.BlockBytes]);
        return new Scanned(
            status, null, null, scan.Model, scan.ModelRange,
            new Flags(
                scan.Stream, scan.MaxTokens, scan.StreamOptions, scan.IncludeUsage, scan.WantsUsage, scan.HasTools))
        {
            PromptBytes = bytes,
            Chain = string.Join(' ', chain.Blocks.ToArray().Select(b => b.ToString("x16"))),
        };
    }
}

internal readonly record struct Flags(
    bool Stream, long MaxTokens, ValueRange StreamOptions, ValueRange IncludeUsage, bool WantsUsage, bool HasTools);
