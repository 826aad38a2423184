using System.Diagnostics.CodeAnalysis;

namespace Penstock.Core.Config;

/// <summary>What a name may look like: it ends up in headers, metric labels and logs.</summary>
internal static class NameRules
{
    private const int LengthMax = 256;

    /// <summary>True where the name can be used; otherwise says why not.</summary>
    public static bool Check(string path, [NotNullWhen(true)] string? name, ConfigErrors errors)
    {
        var problem = Problem(name);
        if (problem is not null)
        {
            errors.Add(path, problem);
        }

        return problem is null;
    }

    /// <summary>As <see cref="Check"/>, and not among the names that <paramref name="taken"/> holds.</summary>
    public static void Unique(string path, string? name, Dictionary<string, string> taken, ConfigErrors errors)
    {
        if (Check(path, name, errors) && !taken.TryAdd(name, path))
        {
            errors.Add(path, $"'{name}' is taken by {taken[name]}; choose another name");
        }
    }

    private static string? Problem(string? name)
    {
        if (string.IsNullOrEmpty(name))
        {
            return "is empty; give it a name";
        }

        if (name.Length > LengthMax)
        {
            return $"has {name.Length} characters; a name has at most {LengthMax}";
        }

        return name.All(static c => c is > ' ' and <= '~')
            ? null
            : "has a space, a control character or a letter outside ASCII; a name is printable ASCII without spaces";
    }
}
