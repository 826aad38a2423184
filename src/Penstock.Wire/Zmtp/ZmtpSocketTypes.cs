namespace Penstock.Wire.Zmtp;

/// <summary>Names of socket types, and which may talk to which (23/ZMTP, "Socket-Type" property).</summary>
internal static class ZmtpSocketTypes
{
    public static ReadOnlySpan<byte> NameOf(ZmtpSocketType type) => type switch
    {
        ZmtpSocketType.Pub => "PUB"u8,
        ZmtpSocketType.Sub => "SUB"u8,
        ZmtpSocketType.XPub => "XPUB"u8,
        ZmtpSocketType.XSub => "XSUB"u8,
        ZmtpSocketType.Req => "REQ"u8,
        ZmtpSocketType.Rep => "REP"u8,
        ZmtpSocketType.Dealer => "DEALER"u8,
        ZmtpSocketType.Router => "ROUTER"u8,
        _ => ""u8,
    };

    public static ZmtpSocketType Read(ReadOnlySpan<byte> name)
    {
        for (var type = ZmtpSocketType.Pub; type <= ZmtpSocketType.Router; type++)
        {
            if (name.SequenceEqual(NameOf(type)))
            {
                return type;
            }
        }

        return ZmtpSocketType.Other;
    }

    public static bool MayTalk(ZmtpSocketType own, ZmtpSocketType peer) => own switch
    {
        ZmtpSocketType.Pub or ZmtpSocketType.XPub => peer is ZmtpSocketType.Sub or ZmtpSocketType.XSub,
        ZmtpSocketType.Sub or ZmtpSocketType.XSub => peer is ZmtpSocketType.Pub or ZmtpSocketType.XPub,
        ZmtpSocketType.Req => peer is ZmtpSocketType.Rep or ZmtpSocketType.Router,
        ZmtpSocketType.Rep => peer is ZmtpSocketType.Req or ZmtpSocketType.Dealer,
        ZmtpSocketType.Dealer => peer is ZmtpSocketType.Rep or ZmtpSocketType.Dealer or ZmtpSocketType.Router,
        ZmtpSocketType.Router => peer is ZmtpSocketType.Req or ZmtpSocketType.Dealer or ZmtpSocketType.Router,
        _ => false,
    };
}
