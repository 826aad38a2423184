using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Penstock.Core.Config;

namespace Penstock.Gateway.Configuration;

/// <summary>
/// The form of the document, read once from the records in <c>Penstock.Core.Config</c>. Reading, writing, bounds,
/// restart settings and the schema all walk it, so a new setting is one property and nothing else.
/// </summary>
internal abstract record ValueShape
{
    /// <summary>The whole document.</summary>
    public static RecordShape Document { get; } = new(typeof(PenstockConfig));

    public static ValueShape Of(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (ScalarType.For(type) is { } scalar)
        {
            return new ScalarShape(scalar);
        }

        return type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>)
            ? new ListShape(type.GetGenericArguments()[0])
            : new RecordShape(type);
    }
}

internal sealed record ScalarShape(ScalarType Type) : ValueShape;

internal sealed record ListShape : ValueShape
{
    private readonly Builder _builder;

    public ListShape(Type element)
    {
        Element = Of(element);
        _builder = (Builder)Activator.CreateInstance(typeof(Builder<>).MakeGenericType(element))!;
    }

    public ValueShape Element { get; }

    /// <summary>The immutable array of these items.</summary>
    public object Build(List<object> items) => _builder.Build(items);

    private abstract class Builder
    {
        public abstract object Build(List<object> items);
    }

    private sealed class Builder<T> : Builder
    {
        public override object Build(List<object> items) => items.Cast<T>().ToImmutableArray();
    }
}

internal sealed record RecordShape : ValueShape
{
    private readonly Type _type;

    public RecordShape(Type type)
    {
        _type = type;
        ExactlyOne = type.IsDefined(typeof(ExactlyOneAttribute));
        var defaults = New();
        Settings =
        [
            .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(static p => p.IsDefined(typeof(SettingAttribute)))
                .Select(p => new SettingShape(p, defaults)),
        ];
        var scalarForm = type.GetCustomAttribute<ScalarFormAttribute>()?.Property;
        ScalarForm = Settings.FirstOrDefault(s => s.Property.Name == scalarForm);
    }

    public ImmutableArray<SettingShape> Settings { get; }

    /// <summary>The setting that a single value in place of the mapping stands for.</summary>
    public SettingShape? ScalarForm { get; }

    /// <summary>Exactly one of the settings is to be given.</summary>
    public bool ExactlyOne { get; }

    /// <summary>A record with nothing but defaults; required settings are still missing.</summary>
    public object New() => Activator.CreateInstance(_type)!;

    public SettingShape? Find(string name) => Settings.FirstOrDefault(s => s.Name == name);
}

/// <summary>One setting of a record.</summary>
internal sealed record SettingShape
{
    public SettingShape(PropertyInfo property, object defaults)
    {
        Property = property;
        About = property.GetCustomAttribute<SettingAttribute>()!;
        Name = About.Name ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
        Required = property.IsDefined(typeof(RequiredMemberAttribute));
        Default = property.GetValue(defaults);
        Value = ValueShape.Of(property.PropertyType);
    }

    public PropertyInfo Property { get; }

    public SettingAttribute About { get; }

    /// <summary>The key in the document.</summary>
    public string Name { get; }

    public bool Required { get; }

    public object? Default { get; }

    public ValueShape Value { get; }
}
