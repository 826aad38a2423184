using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Cluster;

/// <summary>
/// Shows that a gateway knows the shared secret without sending it: HMAC-SHA-256 over the version, the name and the
/// epoch of who says so. Thread-safe.
/// </summary>
internal sealed class PeerProof(string secret)
{
    public const string Scheme = "Penstock ";
    public const string NodeHeader = "penstock-node";
    public const string EpochHeader = "penstock-epoch";
    public const string VersionHeader = "penstock-peer-version";

    private readonly byte[] _secret = Encoding.UTF8.GetBytes(secret);

    /// <summary>The value of the header <c>authorization</c>.</summary>
    public string Of(string node, long epoch) => Scheme + Convert.ToHexStringLower(Sum(node, epoch));

    /// <summary>Compares in constant time.</summary>
    public bool IsRight(string? authorization, string node, long epoch)
    {
        Span<byte> told = stackalloc byte[HMACSHA256.HashSizeInBytes];
        return authorization is not null
            && authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && authorization.Length == Scheme.Length + (2 * told.Length)
            && Convert.FromHexString(authorization.AsSpan(Scheme.Length), told, out _, out _)
                == System.Buffers.OperationStatus.Done
            && CryptographicOperations.FixedTimeEquals(told, Sum(node, epoch));
    }

    private byte[] Sum(string node, long epoch) => HMACSHA256.HashData(
        _secret,
        Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"penstock-peer {PeerFormat.Version} {epoch} {node}")));
}
