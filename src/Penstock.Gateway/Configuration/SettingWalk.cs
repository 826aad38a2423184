using System.Collections;
using System.Collections.Immutable;
using Penstock.Core.Config;

namespace Penstock.Gateway.Configuration;

/// <summary>Goes through every setting of a document in memory, by the shape of its records.</summary>
internal static class SettingWalk
{
    /// <summary>Says which settings are outside the bounds or the words that their attribute gives.</summary>
    public static void Check(PenstockConfig config, ConfigErrors errors) =>
        Visit(ValueShape.Document, config, "", (path, setting, value) => Check(path, setting, value, errors));

    /// <summary>The settings that differ and that only a new process takes up, in the order of the document.</summary>
    public static ImmutableArray<string> RestartNeeded(PenstockConfig running, PenstockConfig wanted)
    {
        var now = RestartSettings(running);
        return [.. RestartSettings(wanted).Where(s => !Equals(now[s.Key], s.Value)).Select(static s => s.Key)];
    }

    private static OrderedDictionary<string, object?> RestartSettings(PenstockConfig config)
    {
        var settings = new OrderedDictionary<string, object?>(StringComparer.Ordinal);
        Visit(ValueShape.Document, config, "", (path, setting, value) =>
        {
            if (setting.About.Restart)
            {
                settings[path] = value;
            }
        });
        return settings;
    }

    private static void Visit(
        ValueShape shape, object value, string path, Action<string, SettingShape, object?> visit)
    {
        switch (shape)
        {
            case RecordShape record:
                foreach (var setting in record.Settings)
                {
                    var settingPath = DocumentReader.Join(path, setting.Name);
                    var inner = setting.Property.GetValue(value);
                    visit(settingPath, setting, inner);
                    if (inner is not null)
                    {
                        Visit(setting.Value, inner, settingPath, visit);
                    }
                }

                break;
            case ListShape list:
                var index = 0;
                foreach (var item in (IEnumerable)value)
                {
                    Visit(list.Element, item, $"{path}[{index++}]", visit);
                }

                break;
        }
    }

    private static void Check(string path, SettingShape setting, object? value, ConfigErrors errors)
    {
        if (value is null || setting.Value is not ScalarShape { Type: var type })
        {
            return;
        }

        if (type.Measure is { } measure && (measure(value) < setting.About.Min || measure(value) > setting.About.Max))
        {
            errors.Add(path, $"is {type.Show(measure(value))}; it can be {Range(setting.About, type)}");
        }

        var words = KnownNames.Of(setting.About.Vocabulary);
        if (!words.IsEmpty && !words.Contains((string)value))
        {
            errors.Add(path, $"'{value}' is not known{CloseNames.Hint((string)value, words)}");
        }
    }

    private static string Range(SettingAttribute about, ScalarType type) => (about.Min, about.Max) switch
    {
        (var min, double.NaN) => $"{type.Show(min)} or more",
        (double.NaN, var max) => $"{type.Show(max)} at most",
        var (min, max) => $"from {type.Show(min)} to {type.Show(max)}",
    };
}
