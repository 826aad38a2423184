namespace Penstock.Core.Config;

/// <summary>
/// Says everything there is to say about one setting of the document, beside the property that holds it. The reader's
/// range checks, the JSON schema and the list of settings that need a restart all come from here.
/// </summary>
/// <param name="description">One sentence for the person who writes the document.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SettingAttribute(string description) : Attribute
{
    public string Description { get; } = description;

    /// <summary>The key in the document where it is not the property's name in snake_case.</summary>
    public string? Name { get; init; }

    /// <summary>The smallest value: a number, seconds of a duration, or bytes of a size. NaN: no bound.</summary>
    public double Min { get; init; } = double.NaN;

    /// <summary>The largest value allowed, in the units of <see cref="Min"/>. NaN: no bound.</summary>
    public double Max { get; init; } = double.NaN;

    /// <summary>True where a change takes effect only when the process is started again.</summary>
    public bool Restart { get; init; }

    /// <summary>True where a value written by mistake may be a secret: errors never repeat it.</summary>
    public bool Secret { get; init; }

    /// <summary>The fixed list of words that the setting takes, if it has one.</summary>
    public Vocabulary Vocabulary { get; init; }
}

/// <summary>Lets a record be written as a single value, which is then the value of one of its settings.</summary>
/// <param name="property">The name of the property that takes the value.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ScalarFormAttribute(string property) : Attribute
{
    public string Property { get; } = property;
}

/// <summary>Marks a record of which exactly one setting is to be given.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ExactlyOneAttribute : Attribute;
