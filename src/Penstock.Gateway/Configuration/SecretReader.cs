using System.Collections.Immutable;
using Penstock.Core.Config;

namespace Penstock.Gateway.Configuration;

/// <summary>
/// Reads the secrets that a document names from the environment and from files. What it finds is never logged; what it
/// says of a failure names the variable or the file and nothing else. Thread-safe.
/// </summary>
public sealed class SecretReader(string folder, Func<string, string?> variable)
{
    /// <summary>Bytes of a secret file at most.</summary>
    public const int FileBytesMax = 16 * 1024;

    /// <summary>Reads from this process's environment, and files relative to <paramref name="folder"/>.</summary>
    public static SecretReader FromProcess(string folder) => new(folder, Environment.GetEnvironmentVariable);

    /// <summary>Every secret of <paramref name="config"/>, or why it cannot be had.</summary>
    public SecretValues Read(PenstockConfig config) =>
        new(SecretValues.SourcesOf(config).ToImmutableDictionary(static s => s, Read));

    /// <summary>Something in the place of every secret: to check a document where they are not at hand.</summary>
    public static SecretValues Assume(PenstockConfig config) =>
        new(SecretValues.SourcesOf(config).ToImmutableDictionary(
            static s => s, static s => SecretValue.Found($"assumed-{s.Kind}-{Uri.EscapeDataString(s.Name)}")));

    /// <summary>When each secret file changed last; a change of any is a reason to read the document again.</summary>
    internal string FileTimes(PenstockConfig config) =>
        string.Join('|', SecretValues.SourcesOf(config)
            .Where(static s => s.Kind == SecretKind.File)
            .Select(s => File.GetLastWriteTimeUtc(PathOf(s)).Ticks));

    private SecretValue Read(SecretSource source) => source.Kind switch
    {
        SecretKind.Environment => variable(source.Name) switch
        {
            null => SecretValue.Missing("is not set"),
            var text => Clean(text),
        },
        _ => ReadFile(PathOf(source)),
    };

    private static SecretValue ReadFile(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > FileBytesMax)
            {
                return SecretValue.Missing($"has more than {FileBytesMax} bytes");
            }

            using var reader = new StreamReader(file);
            return Clean(reader.ReadToEnd());
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return SecretValue.Missing("does not exist");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return SecretValue.Missing("cannot be read");
        }
    }

    private static SecretValue Clean(string text) =>
        text.Trim() is { Length: > 0 } word ? SecretValue.Found(word) : SecretValue.Missing("is empty");

    private string PathOf(SecretSource source) => Path.Combine(folder, source.Name);
}
