namespace Penstock.Wire.Zmtp;

/// <summary>Why a connection cannot go on. Each is the peer's doing.</summary>
public enum ZmtpFault : byte
{
    None,

    /// <summary>The first bytes are not those of a ZMTP peer.</summary>
    NotZmtp,

    /// <summary>A peer older than ZMTP 3.0.</summary>
    OldVersion,

    /// <summary>The peer wants a security mechanism other than NULL.</summary>
    OtherMechanism,

    /// <summary>The handshake is not one READY command with properties, or the peer refused with ERROR.</summary>
    BadHandshake,

    /// <summary>The peer's socket type and ours do not go together.</summary>
    WrongSocketType,

    /// <summary>Flags of a frame that the protocol does not have, or a command between the frames of a message.
    /// </summary>
    BadFrame,

    /// <summary>A message larger than allowed.</summary>
    TooLarge,

    /// <summary>A message of more frames than allowed.</summary>
    TooManyFrames,

    /// <summary>A command that does not hold what its name says.</summary>
    BadCommand,
}
