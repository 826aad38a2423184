namespace Penstock.Gateway.Tests.Clients;

/// <summary>Where the repository and what was built from it lie.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>The program, built in the same configuration as these tests.</summary>
    public static string Program { get; } = Path.Combine(
        Root, "artifacts", "bin", "Penstock.Cli", new DirectoryInfo(AppContext.BaseDirectory).Name, "penstock.dll");

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
