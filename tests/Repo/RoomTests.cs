namespace Penstock.Repo.Tests;

public class RoomTests
{
    [Fact]
    public void Every_room_has_a_page_that_says_what_it_is()
    {
        // src/Project/Room/...: what lies deeper in a room is part of it, and its page speaks for it.
        var rooms = Repository.Sources
            .Select(f => f.Split('/'))
            .Where(parts => parts[0] == "src" && parts.Length >= 4)
            .Select(parts => string.Join('/', parts[..3]))
            .Distinct();
        Offenders.AssertNone(rooms.Where(r => !Repository.Files.Contains($"{r}/README.md")));
    }

    [Fact]
    public void A_namespace_is_the_folder_it_lies_in()
    {
        var wrong = Repository.Sources
            .Where(f => f.StartsWith("src/", StringComparison.Ordinal))
            .Where(f => !Repository.Read(f).Contains($"namespace {NamespaceOf(f)};", StringComparison.Ordinal))
            .Where(f => !f.EndsWith("/AssemblyInfo.cs", StringComparison.Ordinal))
            .Where(f => !f.EndsWith("/GlobalUsings.cs", StringComparison.Ordinal));
        Offenders.AssertNone(wrong);
    }

    private static string NamespaceOf(string file) => file["src/".Length..file.LastIndexOf('/')].Replace('/', '.');
}
