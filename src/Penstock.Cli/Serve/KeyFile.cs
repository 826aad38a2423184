using System.Security.Cryptography;
using System.Text;

namespace Penstock.Cli.Serve;

/// <summary>
/// The API key that is generated at the first start and kept in the data folder, for its owner's eyes only.
/// </summary>
internal static class KeyFile
{
    private const int RandomBytes = 32;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static string PathIn(string data) => Path.Combine(data, "key");

    /// <summary>The key in the folder; made where there is none.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static string ReadOrMake(string data)
    {
        var path = PathIn(data);
        if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } known)
        {
            return known;
        }

        var letters = Convert.ToBase64String(RandomNumberGenerator.GetBytes(RandomBytes))
            .TrimEnd('=').Replace('+', '-').Replace('/', '_');
        var key = $"sk-penstock-{letters}";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using var file = new FileStream(path, options);
        file.Write(Encoding.UTF8.GetBytes(key + "\n"));
        return key;
    }

    /// <summary>The SHA-256 of the key as configuration holds it.</summary>
    public static string Sha256(string key) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
