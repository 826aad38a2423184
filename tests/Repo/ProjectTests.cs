using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Penstock.Repo.Tests;

/// <summary>Who may refer to whom, and where packages come from, read from the project files.</summary>
public partial class ProjectTests
{
    // The order is the design: nothing refers to what stands further down, and Gateway and Simulator are strangers.
    private static readonly Dictionary<string, string[]> s_mayReferTo = new(StringComparer.Ordinal)
    {
        ["Penstock.Core"] = [],
        ["Penstock.Wire"] = ["Penstock.Core"],
        ["Penstock.Engines"] = ["Penstock.Core", "Penstock.Wire"],
        ["Penstock.Gateway"] = ["Penstock.Core", "Penstock.Wire", "Penstock.Engines"],
        ["Penstock.Simulator"] = ["Penstock.Core", "Penstock.Wire"],
        ["Penstock.Cli"] =
            ["Penstock.Core", "Penstock.Wire", "Penstock.Engines", "Penstock.Gateway", "Penstock.Simulator"],
    };

    private static readonly string[] s_pure = ["Penstock.Core", "Penstock.Wire", "Penstock.Simulator"];

    private static IEnumerable<string> Projects =>
        Repository.Files.Where(f => f.EndsWith(".csproj", StringComparison.Ordinal));

    private static IEnumerable<string> SourceProjects =>
        Projects.Where(f => f.StartsWith("src/", StringComparison.Ordinal));

    [Fact]
    public void Projects_refer_only_in_the_direction_of_the_design()
    {
        var wrong =
            from project in SourceProjects
            let name = NameOf(project)
            from reference in Includes(project, "ProjectReference").Select(NameOf)
            where !s_mayReferTo.TryGetValue(name, out var allowed) || !allowed.Contains(reference)
            select $"{name} -> {reference}";
        Offenders.AssertNone(wrong);
        Assert.Equal(s_mayReferTo.Keys.Order(), SourceProjects.Select(NameOf).Order());
    }

    [Fact]
    public void References_do_not_reach_further_than_they_are_written() =>
        Assert.Equal(
            ["true"],
            Elements("Directory.Build.props", "DisableTransitiveProjectReferences").Select(e => e.Value));

    [Fact]
    public void The_pure_projects_say_so_and_bring_no_package()
    {
        foreach (var project in SourceProjects.Where(p => s_pure.Contains(NameOf(p))))
        {
            Assert.Equal("true", Assert.Single(Elements(project, "Pure")).Value);
            Assert.Empty(Includes(project, "PackageReference"));
            Assert.Empty(Includes(project, "FrameworkReference"));
        }
    }

    [Fact]
    public void Package_versions_are_exact_and_in_one_place()
    {
        var props = "Directory.Packages.props";
        var loose = Elements(props, "PackageVersion")
            .Where(e => !ExactVersion().IsMatch(e.Attribute("Version")?.Value ?? ""))
            .Select(e => e.ToString());
        Offenders.AssertNone(loose);

        var elsewhere = Repository.Files
            .Where(f => f != props && Path.GetExtension(f) is ".csproj" or ".props" or ".targets")
            .Where(f => Elements(f, "PackageVersion").Any() || Elements(f, "PackageReference").Any(HasVersion));
        Offenders.AssertNone(elsewhere);
    }

    [Fact]
    public void Every_source_and_test_project_is_in_the_solution_with_its_lock_file()
    {
        var inSolution = Elements("Penstock.slnx", "Project").Select(e => e.Attribute("Path")!.Value);
        var expected = Projects
            .Where(p => p.StartsWith("src/", StringComparison.Ordinal)
                || (Repository.IsTest(p) && !p.StartsWith("tests/Fixtures/", StringComparison.Ordinal)))
            .ToList();
        Assert.Equal(expected.Order(StringComparer.Ordinal), inSolution.Order(StringComparer.Ordinal));
        Offenders.AssertNone(expected.Where(p => !Repository.Files.Contains(FolderOf(p) + "/packages.lock.json")));
    }

    private static bool HasVersion(XElement reference) =>
        reference.Attribute("Version") is not null || reference.Attribute("VersionOverride") is not null;

    private static IEnumerable<XElement> Elements(string file, string name) =>
        XDocument.Load(Repository.FullPath(file)).Descendants().Where(e => e.Name.LocalName == name);

    private static IEnumerable<string> Includes(string project, string item) =>
        Elements(project, item).Select(e => e.Attribute("Include")!.Value);

    private static string NameOf(string project) => Path.GetFileNameWithoutExtension(project.Replace('\\', '/'));

    private static string FolderOf(string file) => file[..file.LastIndexOf('/')];

    [GeneratedRegex(@"^\d+\.\d+\.\d+(\.\d+)?(-[0-9A-Za-z.-]+)?$")]
    private static partial Regex ExactVersion();
}
