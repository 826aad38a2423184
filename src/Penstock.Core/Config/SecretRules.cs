namespace Penstock.Core.Config;

/// <summary>What must hold for the places that secrets come from. Says their names, never their contents.</summary>
internal static class SecretRules
{
    public static void Credential(string path, CredentialConfig credential, SecretValues secrets, ConfigErrors errors)
    {
        if (Count(credential.Env, credential.File) != 1)
        {
            var howMany = HowMany(credential.Env, credential.File);
            errors.Add(path, $"names {howMany}; give exactly one of env and file");
            return;
        }

        Source(path, credential.Env, credential.File, secrets, errors);
    }

    public static void Key(string path, KeySecretConfig secret, SecretValues secrets, ConfigErrors errors)
    {
        if (Count(secret.Sha256, secret.Env, secret.File) != 1)
        {
            var howMany = HowMany(secret.Sha256, secret.Env, secret.File);
            errors.Add(path, $"names {howMany}; give exactly one of sha256, env and file");
            return;
        }

        if (secret.Sha256 is { } digest)
        {
            if (!IsSha256(digest))
            {
                errors.Add(
                    $"{path}.sha256",
                    $"has {digest.Length} characters that are not a SHA-256; write the 64 hex digits, never the key");
            }

            return;
        }

        Source(path, secret.Env, secret.File, secrets, errors);
    }

    private static void Source(string path, string? env, string? file, SecretValues secrets, ConfigErrors errors)
    {
        var place = env is not null ? $"{path}.env" : $"{path}.file";
        if (SecretValues.Source(env, file) is not { } source)
        {
            errors.Add(place, env is not null
                ? "is not the name of an environment variable (letters, digits and _); write its name, not its value"
                : "is empty; write the path of a file");
            return;
        }

        var value = secrets.Find(source);
        if (value.Problem is { } problem)
        {
            errors.Add(place, $"{source} {problem}");
        }
        else if (value.Text!.Any(static c => c is <= ' ' or > '~'))
        {
            errors.Add(place, $"{source} holds a space, a control character or a letter outside ASCII; "
                + "a key is one word");
        }
    }

    private static bool IsSha256(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigit);

    private static int Count(params ReadOnlySpan<string?> values)
    {
        var count = 0;
        foreach (var value in values)
        {
            count += value is null ? 0 : 1;
        }

        return count;
    }

    private static string HowMany(params ReadOnlySpan<string?> values) =>
        Count(values) == 0 ? "no source" : $"{Count(values)} sources";
}
