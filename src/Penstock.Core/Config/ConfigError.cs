using System.Collections.Immutable;

namespace Penstock.Core.Config;

/// <summary>One thing that is wrong with a document.</summary>
/// <param name="Path">The setting, such as <c>pools[2].replicas[0].url</c>; empty for the document as a whole.</param>
/// <param name="Message">What is wrong and what would be right. Never repeats a secret.</param>
public sealed record ConfigError(string Path, string Message)
{
    /// <summary>The line, from 1; null where the document was not read from text.</summary>
    public int? Line { get; init; }

    /// <summary>The column, from 1; null where the document was not read from text.</summary>
    public int? Column { get; init; }

    public override string ToString()
    {
        var place = Line is null ? "" : $"{Line}:{Column}: ";
        return Path.Length == 0 ? place + Message : $"{place}{Path}: {Message}";
    }
}

/// <summary>Collects what is wrong, up to a bound, so that a hopeless document cannot fill the memory.</summary>
public sealed class ConfigErrors
{
    /// <summary>Errors kept at most; one more says that there were others.</summary>
    public const int CountMax = 200;

    private readonly List<ConfigError> _errors = [];

    /// <summary>Errors so far.</summary>
    public int Count => _errors.Count;

    public void Add(string path, string message) => Add(new ConfigError(path, message));

    public void Add(ConfigError error)
    {
        if (_errors.Count < CountMax)
        {
            _errors.Add(error);
        }
        else if (_errors.Count == CountMax)
        {
            _errors.Add(new("", $"more than {CountMax} errors; the others are not listed"));
        }
    }

    public ImmutableArray<ConfigError> ToImmutable() => [.. _errors];
}
