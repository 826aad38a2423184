using Penstock.Bench.Processes;
using Penstock.Bench.Wire;

namespace Penstock.Bench.Sections;

/// <summary>A request body as a file, and how the table calls it.</summary>
internal sealed record Body(string Id, string Name, string File)
{
    public static Body Small(Lab lab) => Write(lab, "small", "0.2 KB", RequestBodies.Small);

    public static Body Agent(Lab lab) => Write(lab, "agent", "60 KB agent", RequestBodies.Agent(60_000));

    public static Body OneString(Lab lab) => Write(lab, "string", "60 KB one string", RequestBodies.OneString);

    public static Body Large(Lab lab) => Write(lab, "large", "400 KB agent", RequestBodies.Agent(400_000));

    private static Body Write(Lab lab, string id, string name, byte[] bytes)
    {
        var file = lab.FileFor($"body-{id}.json");
        System.IO.File.WriteAllBytes(file, bytes);
        return new Body(id, name, file);
    }
}
