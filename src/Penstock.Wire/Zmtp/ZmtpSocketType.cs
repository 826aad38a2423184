namespace Penstock.Wire.Zmtp;

/// <summary>What a ZeroMQ socket is for (28/REQREP, 29/PUBSUB).</summary>
public enum ZmtpSocketType : byte
{
    /// <summary>A type that is not spoken here.</summary>
    Other,
    Pub,
    Sub,
    XPub,
    XSub,
    Req,
    Rep,
    Dealer,
    Router,
}
