using Penstock.Bench.Processes;
using Penstock.Bench.Wire;

namespace Penstock.Bench.Sections;

/// <summary>A request body as a file, or several with colons between them that are sent in turn, and how the table
/// calls it.</summary>
internal sealed record Body(string Id, string Name, string File)
{
    private const int Turns = 16;

    public static Body Small(Lab lab) => Write(lab, "small", "0.2 KB", RequestBodies.Small);

    public static Body Agent(Lab lab) => Write(lab, "agent", "60 KB agent", RequestBodies.Agent(60_000));

    public static Body OneString(Lab lab) => Write(lab, "string", "60 KB one string", RequestBodies.OneString);

    public static Body Large(Lab lab) => Write(lab, "large", "400 KB agent", RequestBodies.Agent(400_000));

    /// <summary>A conversation of about 100,000 tokens that goes on: one body a turn, each the one before and another
    /// tool result, one after the other and then from the first again.</summary>
    public static Body Conversation(Lab lab)
    {
        var turns = Enumerable.Range(0, Turns).Select(turn =>
            Write(lab, $"turn-{turn}", "", RequestBodies.Agent(400_000 + ((turn - Turns) * RequestBodies.TurnBytes))));
        var files = string.Join(':', turns.Select(turn => turn.File));
        return new Body("conversation", "400 KB of a conversation that goes on", files);
    }

    private static Body Write(Lab lab, string id, string name, byte[] bytes)
    {
        var file = lab.FileFor($"body-{id}.json");
        System.IO.File.WriteAllBytes(file, bytes);
        return new Body(id, name, file);
    }
}
