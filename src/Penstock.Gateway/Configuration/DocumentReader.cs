using Penstock.Core.Config;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Penstock.Gateway.Configuration;

/// <summary>
/// Reads YAML text into nodes: exactly one document, no tags, no merge keys, no duplicate keys, bounded in length,
/// depth and number of nodes. An alias shares its node, so nothing grows here; whoever follows aliases counts.
/// </summary>
internal sealed class DocumentReader
{
    /// <summary>Characters of a document at most.</summary>
    public const int LengthMax = 8 * 1024 * 1024;

    /// <summary>Levels of nesting at most.</summary>
    public const int DepthMax = 24;

    /// <summary>Nodes of a document at most.</summary>
    public const int NodesMax = 500_000;

    private readonly Dictionary<string, DocumentNode> _anchors = new(StringComparer.Ordinal);
    private readonly ConfigErrors _errors;
    private readonly Parser _parser;
    private int _nodes;

    private DocumentReader(string text, ConfigErrors errors)
    {
        _errors = errors;
        _parser = new Parser(new StringReader(text));
    }

    /// <summary>The root of the only document; null where there is none that can be read, and errors say why.</summary>
    public static DocumentNode? Read(string text, ConfigErrors errors)
    {
        if (text.Length > LengthMax)
        {
            errors.Add("", $"the document has {text.Length} characters; at most {LengthMax} are read");
            return null;
        }

        try
        {
            return new DocumentReader(text, errors).Document();
        }
        catch (YamlException e)
        {
            errors.Add(At("", e.Message, PositionOf(e.Start)));
            return null;
        }
    }

    private DocumentNode? Document()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _))
        {
            _errors.Add("", "the document is empty; it needs models and pools at least");
            return null;
        }

        _parser.Consume<DocumentStart>();
        var root = Node("", 0);
        _parser.Consume<DocumentEnd>();
        if (!_parser.Accept<StreamEnd>(out _))
        {
            _errors.Add(At("", "a second document starts here; write one", PositionOf(_parser.Current!.Start)));
        }

        return root;
    }

    private DocumentNode Node(string path, int depth)
    {
        var start = _parser.Current!;
        if (depth > DepthMax)
        {
            throw new YamlException(start.Start, start.End, $"nested deeper than {DepthMax} levels");
        }

        if (++_nodes > NodesMax)
        {
            throw new YamlException(start.Start, start.End, $"the document has more than {NodesMax} values");
        }

        if (start is AnchorAlias alias)
        {
            _parser.MoveNext();
            return _anchors.TryGetValue(alias.Value.Value, out var shared)
                ? shared
                : throw new YamlException(alias.Start, alias.End, $"no anchor '{alias.Value.Value}' before this alias");
        }

        var node = _parser.Require<NodeEvent>();
        if (!node.Tag.IsEmpty)
        {
            _errors.Add(At(path, $"has the tag {node.Tag.Value}; tags are not used here", PositionOf(node.Start)));
        }

        DocumentNode read = node switch
        {
            Scalar => ReadScalar(),
            SequenceStart => List(path, depth),
            _ => Mapping(path, depth),
        };
        if (!node.Anchor.IsEmpty)
        {
            _anchors[node.Anchor.Value] = read;
        }

        return read;
    }

    private ScalarNode ReadScalar()
    {
        var scalar = _parser.Consume<Scalar>();
        return new(PositionOf(scalar.Start), scalar.Value, scalar.Style == ScalarStyle.Plain);
    }

    private ListNode List(string path, int depth)
    {
        var at = PositionOf(_parser.Consume<SequenceStart>().Start);
        var items = new List<DocumentNode>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(Node($"{path}[{items.Count}]", depth + 1));
        }

        return new(at, items);
    }

    private MappingNode Mapping(string path, int depth)
    {
        var at = PositionOf(_parser.Consume<MappingStart>().Start);
        var entries = new List<MappingEntry>();
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var (start, end) = (_parser.Current!.Start, _parser.Current.End);
            if (Node(path, depth + 1) is not ScalarNode key)
            {
                throw new YamlException(start, end, "a key here is not a word");
            }

            var keyPath = Join(path, key.Text);
            var value = Node(keyPath, depth + 1);
            if (key.Text == "<<" && key.Plain)
            {
                _errors.Add(At(path, "merge keys (<<) are not read; repeat the settings, or alias one value", key.At));
            }
            else if (!lines.TryAdd(key.Text, key.At.Line))
            {
                _errors.Add(At(keyPath, $"is set on line {lines[key.Text]} already; remove one of the two", key.At));
            }
            else
            {
                entries.Add(new(key.Text, key.At, value));
            }
        }

        return new(at, entries);
    }

    internal static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";

    internal static ConfigError At(string path, string message, Position at) =>
        new(path, message) { Line = at.Line, Column = at.Column };

    private static Position PositionOf(in Mark mark) => new((int)mark.Line, (int)mark.Column);
}
