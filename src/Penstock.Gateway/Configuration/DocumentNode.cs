using System.Globalization;
using System.Text.RegularExpressions;

namespace Penstock.Gateway.Configuration;

/// <summary>A place in the text, from 1.</summary>
internal readonly record struct Position(int Line, int Column);

/// <summary>A node of the document with its place. An alias is the node that it stands for, shared.</summary>
internal abstract record DocumentNode(Position At)
{
    private const int ShownMax = 40;

    /// <summary>What the node is, in words for an error; the value only where it may be shown.</summary>
    public string Describe(bool secret) => this switch
    {
        MappingNode => "a mapping",
        ListNode => "a list",
        ScalarNode { Kind: ScalarKind.Null } => "empty",
        ScalarNode scalar when secret => scalar.Kind == ScalarKind.Text ? "a text" : "a number or a truth value",
        ScalarNode { Kind: ScalarKind.Text } scalar => $"the text '{Shorten(scalar.Text)}'",
        ScalarNode { Kind: ScalarKind.Boolean } scalar => scalar.Text,
        ScalarNode scalar => $"the number {Shorten(scalar.Text)}",
        _ => "something else",
    };

    private static string Shorten(string text)
    {
        var shown = text.Length <= ShownMax ? text : string.Concat(text.AsSpan(0, ShownMax), "…");
        return string.Create(shown.Length, shown, static (span, from) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(from[i]) ? ' ' : from[i];
            }
        });
    }
}

/// <summary>Keys and values in the order of the text; the reader has refused duplicate keys.</summary>
internal sealed record MappingNode(Position At, List<MappingEntry> Entries) : DocumentNode(At);

internal readonly record struct MappingEntry(string Key, Position KeyAt, DocumentNode Value);

internal sealed record ListNode(Position At, List<DocumentNode> Items) : DocumentNode(At);

/// <summary>What YAML 1.2's core schema takes a scalar for (https://yaml.org/spec/1.2.2/#103-core-schema).</summary>
internal enum ScalarKind
{
    Null,
    Boolean,
    Integer,
    Number,
    Text,
}

internal sealed partial record ScalarNode(Position At, string Text, bool Plain) : DocumentNode(At)
{
    public ScalarKind Kind { get; } = Plain ? KindOf(Text) : ScalarKind.Text;

    private static ScalarKind KindOf(string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => ScalarKind.Null,
        "true" or "True" or "TRUE" or "false" or "False" or "FALSE" => ScalarKind.Boolean,
        _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) =>
            ScalarKind.Integer,
        _ => NumberForm().IsMatch(text) ? ScalarKind.Number : ScalarKind.Text,
    };

    [GeneratedRegex(
        @"^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+"
            + @"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$",
        RegexOptions.CultureInvariant)]
    private static partial Regex NumberForm();
}
