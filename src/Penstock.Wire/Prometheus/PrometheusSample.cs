namespace Penstock.Wire.Prometheus;

/// <summary>One line of a metrics page. The spans point into the page and live as long as it does.</summary>
public readonly ref struct PrometheusSample
{
    private readonly ReadOnlySpan<byte> _labels;

    internal PrometheusSample(ReadOnlySpan<byte> name, ReadOnlySpan<byte> labels, double value)
    {
        Name = name;
        _labels = labels;
        Value = value;
    }

    public ReadOnlySpan<byte> Name { get; }

    /// <summary>May be NaN or infinite: that is legal in this format.</summary>
    public double Value { get; }

    /// <summary>True where the name is the given one, with or without the <c>_total</c> of a counter.</summary>
    public bool Is(ReadOnlySpan<byte> name) => Name.StartsWith(name)
        && (Name.Length == name.Length || Name[name.Length..].SequenceEqual("_total"u8));

    /// <summary>The value of a label between its quotes, escapes untouched.</summary>
    public bool TryGetLabel(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        var rest = _labels;
        while (PrometheusReader.TryTakeLabel(ref rest, out var label, out value))
        {
            if (label.SequenceEqual(name))
            {
                return true;
            }
        }

        value = default;
        return false;
    }
}
