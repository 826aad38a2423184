using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Penstock.Core.Config;
using Penstock.Core.Outcomes;

namespace Penstock.Gateway.Identity;

/// <summary>Finds out who asks, from the snapshot alone: no request ever waits for a database.</summary>
internal static class KeyRing
{
    private const int KeyCharsMax = 512;

    /// <summary>
    /// The key that the request carries, in <c>x-api-key</c> or as a bearer token (the first wins where both are
    /// there); null where it carries none or one that is not known.
    /// </summary>
    /// <remarks>Keys are looked up by their SHA-256, so the time taken says nothing about a key's letters.</remarks>
    public static KeySnapshot? Identify(IHeaderDictionary headers, FleetSnapshot fleet)
    {
        var presented = Presented(headers);
        if (presented.IsEmpty || presented.Length > KeyCharsMax)
        {
            return null;
        }

        Span<byte> utf8 = stackalloc byte[KeyCharsMax * 3];
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(utf8[..Encoding.UTF8.GetBytes(presented, utf8)], digest);
        return fleet.Keys.GetValueOrDefault(KeyHash.FromDigest(digest));
    }

    /// <summary>What to say to one that <see cref="Identify"/> does not know.</summary>
    public static Failure Refusal(IHeaderDictionary headers) => new(
        FailureKind.Unauthenticated,
        Presented(headers).IsEmpty ? "no API key: send it as x-api-key or as a bearer token"
            : headers["x-api-key"].Count > 0 ? "invalid x-api-key"
            : "invalid bearer token");

    private static ReadOnlySpan<char> Presented(IHeaderDictionary headers)
    {
        var key = headers["x-api-key"];
        if (key.Count > 0)
        {
            return key[0].AsSpan().Trim();
        }

        var authorization = headers.Authorization;
        if (authorization.Count == 0)
        {
            return default;
        }

        var value = authorization[0].AsSpan().Trim();
        return value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? value[7..].Trim() : default;
    }
}
