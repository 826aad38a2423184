using System.Globalization;
using Penstock.Core.Models;

namespace Penstock.Wire.Turns;

/// <summary>Where a value stands in a body; written out only for an error.</summary>
internal sealed class FieldPath
{
    private readonly FieldPath? _parent;
    private readonly string? _name;
    private readonly int _index;

    private FieldPath(FieldPath? parent, string? name, int index)
    {
        _parent = parent;
        _name = name;
        _index = index;
    }

    public static FieldPath Root { get; } = new(null, null, 0);

    public FieldPath Of(string name) => new(this, name, 0);

    public FieldPath At(int index) => new(this, null, index);

    /// <summary>As each API writes it: <c>messages.0.role</c> or <c>messages[0].role</c>.</summary>
    public string In(Dialect dialect)
    {
        if (_parent is null)
        {
            return "";
        }

        var before = _parent.In(dialect);
        if (_name is not null)
        {
            return before.Length == 0 ? _name : $"{before}.{_name}";
        }

        var index = _index.ToString(CultureInfo.InvariantCulture);
        return dialect == Dialect.Anthropic ? $"{before}.{index}" : $"{before}[{index}]";
    }
}
