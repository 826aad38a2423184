using Penstock.Wire.ModelLists;

namespace Penstock.Wire.TensorRt;

/// <summary>The answer of <c>GET /server_info</c> of trtllm-serve. Null: not told.</summary>
public sealed record TrtllmServerInfo
{
    private const int TextCharsMax = 100;

    /// <summary>Tokens of a block of the cache.</summary>
    public long? BlockTokens { get; private init; }

    /// <summary><c>v1_block_key</c>, <c>v2_sha256</c> or <c>v2_sha256_64</c>.</summary>
    public string? HashAlgorithm { get; private init; }

    /// <summary>Requests that it works on at a time.</summary>
    public long? RunningMax { get; private init; }

    /// <summary>The information, or null where the body has nothing that only this server says.</summary>
    public static TrtllmServerInfo? Parse(ReadOnlyMemory<byte> body)
    {
        using var document = LenientJson.TryParse(body);
        if (document is null)
        {
            return null;
        }

        var root = document.RootElement;
        var hash = root.Text("kv_cache_hash_algo");
        return hash is null && root.Field("tokens_per_block") is null ? null : new TrtllmServerInfo
        {
            BlockTokens = root.Count("tokens_per_block"),
            HashAlgorithm = hash is { Length: > 0 and <= TextCharsMax } ? hash : null,
            RunningMax = root.Count("max_batch_size"),
        };
    }
}
