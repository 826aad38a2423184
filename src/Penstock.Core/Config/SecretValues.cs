using System.Collections.Immutable;

namespace Penstock.Core.Config;

/// <summary>Where a secret is kept.</summary>
public enum SecretKind
{
    /// <summary>In an environment variable.</summary>
    Environment,

    /// <summary>In a file.</summary>
    File,
}

/// <summary>The place of one secret: the name of a variable or the path of a file. Not itself secret.</summary>
public readonly record struct SecretSource(SecretKind Kind, string Name)
{
    /// <summary>The source in words, for errors.</summary>
    public override string ToString() =>
        Kind == SecretKind.Environment ? $"environment variable {Name}" : $"file {Name}";
}

/// <summary>What was found at a source: the secret, or why there is none. Never prints the secret.</summary>
public readonly record struct SecretValue(string? Text, string? Problem)
{
    public static SecretValue Found(string text) => new(text, null);

    public static SecretValue Missing(string problem) => new(null, problem);

    public override string ToString() => Problem ?? "(secret)";
}

/// <summary>The secrets that a document names, read before it is compiled: the core itself does no I/O.</summary>
public sealed class SecretValues(ImmutableDictionary<SecretSource, SecretValue> values)
{
    /// <summary>For documents that name no secret.</summary>
    public static SecretValues None { get; } = new(ImmutableDictionary<SecretSource, SecretValue>.Empty);

    /// <summary>What is at <paramref name="source"/>.</summary>
    public SecretValue Find(SecretSource source) =>
        values.TryGetValue(source, out var value) ? value : SecretValue.Missing("was not read");

    /// <summary>Every source that <paramref name="config"/> names, each once, in the order of the document.</summary>
    public static IReadOnlyList<SecretSource> SourcesOf(PenstockConfig config)
    {
        var pools = config.Pools.Select(static p => Source(p.Credential?.Env, p.Credential?.File));
        var keys = config.Keys.Select(static k => Source(k.Secret?.Env, k.Secret?.File));
        CredentialConfig?[] ofCluster = [config.Cluster?.DatabasePassword, config.Cluster?.Secret];
        var cluster = ofCluster.Select(static c => Source(c?.Env, c?.File));
        return [.. pools.Concat(keys).Concat(cluster).OfType<SecretSource>().Distinct()];
    }

    /// <summary>The source that one pair of settings names; null where it names none, or no name it could be.</summary>
    internal static SecretSource? Source(string? env, string? file) => (env, file) switch
    {
        ({ } name, null) when IsVariableName(name) => new(SecretKind.Environment, name),
        (null, { Length: > 0 } path) => new(SecretKind.File, path),
        _ => null,
    };

    internal static bool IsVariableName(string name) =>
        name.Length is > 0 and <= 256
        && !char.IsAsciiDigit(name[0])
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
