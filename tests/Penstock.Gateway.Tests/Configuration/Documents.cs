using Penstock.Core.Config;
using Penstock.Gateway.Configuration;

namespace Penstock.Gateway.Tests.Configuration;

/// <summary>Documents for tests, and the way to files of the repository.</summary>
internal static class Documents
{
    /// <summary>The smallest document that is valid.</summary>
    public const string Minimal = """
        models:
          - id: m
        pools:
          - name: p
            model: m
            replicas: [http://127.0.0.1:9001]
        """;

    public static ConfigLoad Load(string yaml) =>
        ConfigLoader.FromText(yaml, version: 1, new SecretReader(".", static _ => null).Read);

    public static PenstockConfig Valid(string yaml)
    {
        var loaded = Load(yaml);
        Assert.Empty(loaded.Errors);
        return loaded.Document!;
    }

    /// <summary>The text of a file of the repository, wherever the tests run from.</summary>
    public static string RepositoryFile(string path)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Penstock.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("the tests run outside the repository");
        }

        return File.ReadAllText(Path.Combine(folder.FullName, path));
    }
}
