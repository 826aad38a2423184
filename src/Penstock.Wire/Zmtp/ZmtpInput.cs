namespace Penstock.Wire.Zmtp;

/// <summary>What <see cref="ZmtpPeer.Read"/> found.</summary>
public enum ZmtpInput : byte
{
    /// <summary>More bytes are needed.</summary>
    NeedsMore,

    /// <summary>The handshake is done; messages may be sent from now on. Comes once.</summary>
    Ready,

    /// <summary>A whole message: see <see cref="ZmtpPeer.Frame"/>.</summary>
    Message,

    /// <summary>The peer, a subscriber, wants what begins with <see cref="ZmtpPeer.Topic"/>.</summary>
    Subscribed,

    /// <summary>The peer no longer wants what begins with <see cref="ZmtpPeer.Topic"/>.</summary>
    Cancelled,

    /// <summary>The connection is over: see <see cref="ZmtpPeer.Fault"/>.</summary>
    Failed,
}
