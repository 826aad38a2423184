using System.Globalization;

namespace Penstock.Gateway.Storage;

/// <summary>One numbered SQL file that is part of the program.</summary>
internal sealed record MigrationFile(string Name, string Sql)
{
    /// <summary>The digits that the file name starts with.</summary>
    public int Number { get; } = int.Parse(Name.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>The files of one dialect, in order.</summary>
    /// <param name="prefix">What the names of its resources begin with.</param>
    public static IReadOnlyList<MigrationFile> All(string prefix)
    {
        var assembly = typeof(MigrationFile).Assembly;
        return
        [
            .. assembly.GetManifestResourceNames()
                .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
                .Select(name => new MigrationFile(name[prefix.Length..], Read(name)))
                .OrderBy(migration => migration.Number),
        ];

        string Read(string resource)
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            return reader.ReadToEnd();
        }
    }
}
