using System.Security.Cryptography;
using System.Text;

namespace Penstock.Core.Config;

/// <summary>What must hold for API keys.</summary>
internal static class KeyRules
{
    public static void Check(PenstockConfig config, ModelRules models, SecretValues secrets, ConfigErrors errors)
    {
        var ids = new Dictionary<string, string>(StringComparer.Ordinal);
        var hashes = new Dictionary<KeyHash, string>();
        for (var i = 0; i < config.Keys.Length; i++)
        {
            var path = $"keys[{i}]";
            var key = config.Keys[i];
            NameRules.Unique($"{path}.id", key.Id, ids, errors);
            NameRules.Check($"{path}.org", key.Org, errors);
            NameRules.Check($"{path}.workspace", key.Workspace, errors);
            for (var j = 0; j < key.Models.Length; j++)
            {
                models.Reference($"{path}.models[{j}]", key.Models[j]);
            }

            Secret($"{path}.secret", key.Secret, hashes, secrets, errors);
        }
    }

    /// <summary>The hash of a key; null where its secret is missing or malformed.</summary>
    public static KeyHash? HashOf(KeySecretConfig secret, SecretValues secrets)
    {
        if (secret.Sha256 is { } hex)
        {
            return hex.Length == 64 && hex.All(char.IsAsciiHexDigit)
                ? KeyHash.FromDigest(Convert.FromHexString(hex))
                : null;
        }

        return SecretValues.Source(secret.Env, secret.File) is { } source && secrets.Find(source).Text is { } text
            ? KeyHash.FromDigest(SHA256.HashData(Encoding.UTF8.GetBytes(text)))
            : null;
    }

    private static void Secret(
        string path,
        KeySecretConfig? secret,
        Dictionary<KeyHash, string> hashes,
        SecretValues secrets,
        ConfigErrors errors)
    {
        if (secret is null)
        {
            return;
        }

        SecretRules.Key(path, secret, secrets, errors);
        if (HashOf(secret, secrets) is { } hash && !hashes.TryAdd(hash, path))
        {
            errors.Add(path, $"is the same key as {hashes[hash]}; every key has its own secret");
        }
    }
}
