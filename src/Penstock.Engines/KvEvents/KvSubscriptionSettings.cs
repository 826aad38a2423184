using System.Net;
using Penstock.Wire.KvEvents;
using Penstock.Wire.Zmtp;

namespace Penstock.Engines.KvEvents;

/// <summary>What one subscription listens to, and its bounds.</summary>
public sealed record KvSubscriptionSettings
{
    public required KvEndpoint Endpoint { get; init; }

    /// <summary>Where lost batches are asked for again; null: nowhere, so that a gap is final. The host <c>*</c> means
    /// that of the publisher. Where we are bound, a publisher's rank is added to the port.</summary>
    public DnsEndPoint? Replay { get; init; }

    /// <summary>What the topics wanted begin with.</summary>
    public string Topic { get; init; } = "";

    /// <summary>The data-parallel rank of batches that do not say theirs.</summary>
    public int Rank { get; init; }

    /// <summary>A publisher must have shaken hands by then.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A replay in which nothing comes for so long is over.</summary>
    public TimeSpan ReplayIdleMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A replay takes no longer.</summary>
    public TimeSpan ReplayTotalMax { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>After a replay that failed none is asked for so long.</summary>
    public TimeSpan ReplayCooldown { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The first wait before connecting again; it doubles up to <see cref="RetryMax"/>, less a random part.
    /// </summary>
    public TimeSpan RetryMin { get; init; } = TimeSpan.FromMilliseconds(250);

    public TimeSpan RetryMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Publishers connected to a bound endpoint at once at most, pairs of topic and rank that each of them
    /// speaks for, and such pairs that nobody speaks for any more.</summary>
    public int PublishersMax { get; init; } = 64;

    /// <summary>Bytes of a topic at most, where publishers connect to us.</summary>
    public int TopicBytesMax { get; init; } = 256;

    /// <summary>Where all places are taken and one that is of no use is dismissed, the next waits so long.</summary>
    public TimeSpan DismissalPause { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Restarts of the numbering over one connection at most: a process that restarts connects anew.</summary>
    public int RollbacksMax { get; init; } = 8;

    /// <summary>Gaps of one source that are given up at once at most, and when there may be one more: a publisher that
    /// loses more has nothing to say that could be relied on.</summary>
    public int GapsMax { get; init; } = 64;

    public TimeSpan GapEvery { get; init; } = TimeSpan.FromMilliseconds(250);

    public ZmtpLimits WireLimits { get; init; } = ZmtpLimits.Default;

    public KvEventLimits EventLimits { get; init; } = KvEventLimits.Default;
}
