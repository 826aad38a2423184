namespace Penstock.Repo.Tests;

/// <summary>The files of this repository, as they lie on disk, without what is built or installed.</summary>
internal static class Repository
{
    private static readonly HashSet<string> s_foreign = new(StringComparer.Ordinal)
    {
        ".git", ".idea", ".penstock", ".vs", "artifacts", "node_modules", "StrykerOutput", "TestResults",
    };

    public static string Root { get; } = FindRoot();

    /// <summary>Every file, as a path from the root with forward slashes, in ordinal order.</summary>
    public static IReadOnlyList<string> Files { get; } =
        [.. Walk(Root).Select(p => Path.GetRelativePath(Root, p)).Order(StringComparer.Ordinal)];

    /// <summary>Every C# file but the fixtures, which are wrong on purpose.</summary>
    public static IEnumerable<string> Sources => Files
        .Where(f => f.EndsWith(".cs", StringComparison.Ordinal))
        .Where(f => !f.StartsWith("tests/Fixtures/", StringComparison.Ordinal));

    public static string FullPath(string file) => Path.Combine(Root, file);

    public static string Read(string file) => File.ReadAllText(FullPath(file));

    public static bool IsTest(string file) => file.StartsWith("tests/", StringComparison.Ordinal);

    private static IEnumerable<string> Walk(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder).Where(f => new FileInfo(f).LinkTarget is null))
        {
            yield return file;
        }

        foreach (var sub in new DirectoryInfo(folder).EnumerateDirectories())
        {
            if (s_foreign.Contains(sub.Name) || sub.LinkTarget is not null)
            {
                continue;
            }

            foreach (var file in Walk(sub.FullName))
            {
                yield return file;
            }
        }
    }

    private static string FindRoot()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Penstock.slnx")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException("these tests run from inside the repository");
    }
}
