using System.Collections.Immutable;
using System.Text;
using Penstock.Core.Config;

namespace Penstock.Gateway.Configuration;

/// <summary>What reading a document gave: all three parts, or the errors and whatever could be read.</summary>
/// <param name="Document">What the document says; null where its text could not be made out at all.</param>
/// <param name="Snapshot">The compiled form; null where anything is wrong.</param>
/// <param name="Errors">All that is wrong, in the order of the text.</param>
public sealed record ConfigLoad(
    PenstockConfig? Document, FleetSnapshot? Snapshot, ImmutableArray<ConfigError> Errors)
{
    /// <summary>True where the document can be used.</summary>
    public bool Ok => Snapshot is not null;
}

/// <summary>
/// Takes a document the whole way: text → records → everything checked → compiled. Always says all that is wrong, each
/// error with its path and place. Thread-safe.
/// </summary>
public static class ConfigLoader
{
    /// <summary>Bytes of a document at most.</summary>
    public const int FileBytesMax = 4 * DocumentReader.LengthMax;

    /// <summary>The YAML text of a document, read and compiled.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="version">The version that the snapshot gets.</param>
    /// <param name="secrets">Finds the secrets that the document names.</param>
    /// <param name="overlay">What is laid over the document before it is checked, such as command-line options.</param>
    public static ConfigLoad FromText(
        string yaml,
        long version,
        Func<PenstockConfig, SecretValues> secrets,
        Func<PenstockConfig, PenstockConfig>? overlay = null)
    {
        var reading = new ConfigErrors();
        if (DocumentReader.Read(yaml, reading) is not { } root)
        {
            return new(null, null, reading.ToImmutable());
        }

        var binder = new DocumentBinder(reading);
        var document = binder.Bind(root);
        if (root is not MappingNode)
        {
            return new(null, null, reading.ToImmutable());
        }

        if (overlay is not null)
        {
            document = overlay(document);
        }

        var compiled = Compile(document, version, secrets(document), reading.ToImmutable());
        ImmutableArray<ConfigError> inOrder =
        [
            .. compiled.Errors
                .Select(e => e.Line is null ? Place(e, binder) : e)
                .OrderBy(static e => e.Line ?? int.MaxValue)
                .ThenBy(static e => e.Column ?? int.MaxValue),
        ];
        return new(document, compiled.Snapshot, inOrder);
    }

    /// <summary>The document in a file, read and compiled; not to be able to read it is an error too.</summary>
    public static ConfigLoad FromFile(string path, long version, Func<PenstockConfig, SecretValues> secrets) =>
        ReadFile(path) switch
        {
            ({ } text, _) => FromText(text, version, secrets),
            (_, var error) => new(null, null, [error!]),
        };

    /// <summary>A document that was made in memory, checked and compiled.</summary>
    public static ConfigLoad FromDocument(PenstockConfig document, long version, SecretValues secrets)
    {
        var (snapshot, errors) = Compile(document, version, secrets, unread: []);
        return new(document, snapshot, errors);
    }

    /// <summary>The text of a file; where it cannot be had, the error says why.</summary>
    internal static (string? Text, ConfigError? Error) ReadFile(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > FileBytesMax)
            {
                return (null, new("", $"{path} has more than {FileBytesMax} bytes"));
            }

            var strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
            using var reader = new StreamReader(file, strict, detectEncodingFromByteOrderMarks: false);
            return (reader.ReadToEnd().TrimStart('\uFEFF'), null);
        }
        catch (DecoderFallbackException)
        {
            return (null, new("", $"{path} is not UTF-8 text"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, new("", $"cannot read {path}: {e.Message}"));
        }
    }

    // Three looks, each at what the one before could make out: what could be read, whether each setting is within its
    // bounds, and what they mean together. A later look is silent where an earlier one complained.
    private static ConfigCompilation Compile(
        PenstockConfig document, long version, SecretValues secrets, ImmutableArray<ConfigError> unread)
    {
        var bounds = new ConfigErrors();
        SettingWalk.Check(document, bounds);
        var known = unread.AddRange(bounds.ToImmutable().Where(e => !IsAbout(e.Path, unread)));
        var compiled = ConfigCompiler.Compile(document, version, secrets);
        var all = known.AddRange(compiled.Errors.Where(e => !IsAbout(e.Path, known)));
        return new(all.IsEmpty ? compiled.Snapshot : null, all);
    }

    private static bool IsAbout(string path, ImmutableArray<ConfigError> errors) =>
        errors.Any(e => e.Path.Length > 0 && (IsInside(path, e.Path) || IsInside(e.Path, path)));

    private static bool IsInside(string path, string outer) =>
        path.StartsWith(outer, StringComparison.Ordinal)
        && (path.Length == outer.Length || path[outer.Length] is '.' or '[');

    private static ConfigError Place(ConfigError error, DocumentBinder binder) =>
        binder.PositionOf(error.Path) is { } at ? error with { Line = at.Line, Column = at.Column } : error;
}
