using Penstock.Core.Config;

namespace Penstock.Gateway.Configuration;

/// <summary>
/// Makes the document's records from its nodes. Goes on after an error, so that all are found; a setting that could
/// not be read keeps its default. Remembers where each setting stands in the text.
/// </summary>
internal sealed class DocumentBinder(ConfigErrors errors)
{
    /// <summary>Values visited at most; only aliases of aliases get there.</summary>
    public const int VisitsMax = DocumentReader.NodesMax;

    private readonly Dictionary<string, Position> _positions = new(StringComparer.Ordinal);
    private int _visits;

    public PenstockConfig Bind(DocumentNode root) =>
        (PenstockConfig)(Value(ValueShape.Document, root, "", secret: false) ?? new PenstockConfig());

    /// <summary>Where a setting stands; that of what it is in, where it is not in the text itself.</summary>
    public Position? PositionOf(string path)
    {
        while (true)
        {
            if (_positions.TryGetValue(path, out var at))
            {
                return at;
            }

            if (path.Length == 0)
            {
                return null;
            }

            path = path[..Math.Max(0, path.LastIndexOfAny(['.', '[']))];
        }
    }

    private object? Value(ValueShape shape, DocumentNode node, string path, bool secret)
    {
        _positions.TryAdd(path, node.At);
        if (++_visits > VisitsMax)
        {
            if (_visits == VisitsMax + 1)
            {
                Problem(path, $"the aliases of the document stand for more than {VisitsMax} values", node.At);
            }

            return null;
        }

        return shape switch
        {
            ScalarShape scalar => Scalar(scalar.Type, node, path, secret),
            ListShape list => List(list, node, path, secret),
            RecordShape record => Record(record, node, path, secret),
            _ => null,
        };
    }

    private object? Scalar(ScalarType type, DocumentNode node, string path, bool secret)
    {
        var value = node is ScalarNode scalar ? type.Read(scalar) : null;
        if (value is null)
        {
            Problem(path, type.Problem(node, secret), node.At);
        }

        return value;
    }

    private object? List(ListShape shape, DocumentNode node, string path, bool secret)
    {
        if (node is not ListNode list)
        {
            Problem(path, $"must be a list, but is {node.Describe(secret)}", node.At);
            return null;
        }

        var items = new List<object>(list.Items.Count);
        for (var i = 0; i < list.Items.Count && _visits <= VisitsMax; i++)
        {
            // A bad item keeps its place, so that the paths of the others stay those of the text.
            items.Add(Value(shape.Element, list.Items[i], $"{path}[{i}]", secret) ?? Placeholder(shape.Element));
        }

        return shape.Build(items);
    }

    private object? Record(RecordShape shape, DocumentNode node, string path, bool secret)
    {
        if (node is ScalarNode { Kind: not ScalarKind.Null } && shape.ScalarForm is { } form)
        {
            var record = shape.New();
            form.Property.SetValue(record, Value(form.Value, node, DocumentReader.Join(path, form.Name), secret));
            return record;
        }

        if (node is not MappingNode mapping)
        {
            var orValue = shape.ScalarForm is null ? "" : " or a single value";
            Problem(path, $"must be a mapping{orValue}, but is {node.Describe(secret)}", node.At);
            return null;
        }

        return Mapping(shape, mapping, path, secret);
    }

    private object Mapping(RecordShape shape, MappingNode mapping, string path, bool secret)
    {
        var record = shape.New();
        var given = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (key, keyAt, node) in mapping.Entries)
        {
            var settingPath = DocumentReader.Join(path, key);
            if (shape.Find(key) is not { } setting)
            {
                var hint = CloseNames.Hint(key, [.. shape.Settings.Select(static s => s.Name)]);
                Problem(settingPath, $"there is no such setting{hint}", keyAt);
                continue;
            }

            _positions.TryAdd(settingPath, keyAt);
            if (node is ScalarNode { Kind: ScalarKind.Null })
            {
                continue;
            }

            given.Add(key);
            if (Value(setting.Value, node, settingPath, secret || setting.About.Secret) is { } value)
            {
                setting.Property.SetValue(record, value);
            }
        }

        foreach (var setting in shape.Settings.Where(s => s.Required && !given.Contains(s.Name)))
        {
            var message = $"is missing and has no default ({setting.About.Description})";
            Problem(DocumentReader.Join(path, setting.Name), message, mapping.At);
        }

        return record;
    }

    private static object Placeholder(ValueShape shape) => shape switch
    {
        RecordShape record => record.New(),
        ScalarShape { Type.Type: var type } when type == typeof(string) => "",
        ScalarShape scalar => Activator.CreateInstance(scalar.Type.Type)!,
        _ => throw new NotSupportedException("lists of lists are not part of the document"),
    };

    private void Problem(string path, string message, Position at) =>
        errors.Add(DocumentReader.At(path, message, at));
}
