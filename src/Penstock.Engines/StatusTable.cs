using Penstock.Core.Outcomes;
using Penstock.Core.Replicas;

namespace Penstock.Engines;

/// <summary>
/// What an HTTP status of an engine means, where the engine has no habits of its own. The kinds of engines differ
/// from this table only in what their adapter's <c>Classify</c> says.
/// </summary>
internal static class StatusTable
{
    /// <summary>Bytes of a body that are looked at.</summary>
    public const int BodyBytesMax = 4096;

    public static EngineVerdict Read(int status, ReadOnlySpan<byte> body) => status switch
    {
        >= 200 and < 300 => EngineVerdict.Success,

        // A redirect is an engine behind the wrong URL: following it would send the credential elsewhere.
        < 400 => EngineVerdict.Misconfigured,
        401 or 402 or 403 or 407 => EngineVerdict.Misconfigured,
        404 or 405 => NotFound(body),
        408 => EngineVerdict.Silent with { Evidence = null },
        413 => EngineVerdict.ClientFault(FailureKind.TooLarge),
        429 or 529 => EngineVerdict.Full,
        < 500 => EngineVerdict.ClientFault(FailureKind.InvalidRequest),
        501 => EngineVerdict.ClientFault(FailureKind.NotSupported),
        503 => Mentions(body, "queue"u8) || Mentions(body, "overload"u8) || Mentions(body, "capacity"u8)
            ? EngineVerdict.Full
            : EngineVerdict.Full with { Evidence = HealthSignal.RequestFailed },
        504 => EngineVerdict.Silent,
        _ => EngineVerdict.Failed,
    };

    /// <summary>True where the beginning of the body has these bytes (ASCII letters of either case).</summary>
    public static bool Mentions(ReadOnlySpan<byte> body, ReadOnlySpan<byte> lowerCase)
    {
        body = body[..Math.Min(body.Length, BodyBytesMax)];
        for (var at = 0; at + lowerCase.Length <= body.Length; at++)
        {
            if (System.Text.Ascii.EqualsIgnoreCase(body.Slice(at, lowerCase.Length), lowerCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// An unknown path is the gateway's mistake (another build of the engine has the path), an unknown model is the
    /// caller's.
    /// </summary>
    private static EngineVerdict NotFound(ReadOnlySpan<byte> body)
    {
        if (Mentions(body, "model"u8))
        {
            return EngineVerdict.ClientFault(FailureKind.ModelNotFound);
        }

        var unknownPath = body.IsEmpty || body[0] == '<' || Mentions(body, "\"not found\""u8)
            || Mentions(body, "file not found"u8) || Mentions(body, "method not allowed"u8);
        return unknownPath ? EngineVerdict.Misconfigured : EngineVerdict.ClientFault(FailureKind.NotFound);
    }
}
