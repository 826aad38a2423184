using Penstock.Wire.Zmtp;

namespace Penstock.Engines.KvEvents;

/// <summary>What a notice is about.</summary>
public enum KvNoticeKind : byte
{
    /// <summary>We listen for publishers, at the port in <see cref="KvNotice.To"/>.</summary>
    Bound,

    /// <summary>A publisher is connected and has shaken hands.</summary>
    Connected,

    /// <summary>The connection to a publisher ended, or none came about; it is tried again.</summary>
    Disconnected,

    /// <summary>A publisher broke the rules and was cut off: see <see cref="KvNotice.Fault"/>. It is tried again, ever
    /// later.</summary>
    Faulted,

    /// <summary>Batches from <see cref="KvNotice.From"/> up to, not including, <see cref="KvNotice.To"/> are missing.
    /// </summary>
    Gap,

    /// <summary>A replay brought what was missing, up to <see cref="KvNotice.To"/>, not included.</summary>
    Recovered,

    /// <summary>The first batch heard of is not the publisher's first, and the earlier ones cannot be had: what is in
    /// the cache since before <see cref="KvNotice.To"/> is not known.</summary>
    StartedInTheMiddle,
}

/// <summary>Why a publisher was cut off.</summary>
public enum KvFault : byte
{
    None,

    /// <summary>The wire protocol was broken; <see cref="KvNotice.WireFault"/> says how.</summary>
    Wire,

    /// <summary>No handshake in time.</summary>
    NoHandshake,

    /// <summary>A message that is not topic, number and payload.</summary>
    NoBatch,

    /// <summary>A payload that is no batch.</summary>
    BadBatch,

    /// <summary>A batch of more events or blocks than allowed.</summary>
    TooLarge,

    /// <summary>The numbering began again, or jumped, too often.</summary>
    BadNumbers,

    /// <summary>More publishers than allowed, or one that speaks for more ranks and topics than allowed.</summary>
    TooManyPublishers,

    /// <summary>A bug of ours surfaced; the publisher is not to blame.</summary>
    Internal,
}

/// <summary>Something that happened to a subscription.</summary>
public readonly record struct KvNotice(KvNoticeKind Kind)
{
    /// <summary>The source that it concerns; null: a connection of which none is known yet.</summary>
    public KvSource? Source { get; init; }

    public ulong From { get; init; }

    public ulong To { get; init; }

    public KvFault Fault { get; init; }

    public ZmtpFault WireFault { get; init; }
}
