using System.CommandLine;

namespace Penstock.Cli.Output;

/// <summary>A command whose <c>--help</c> ends with examples that work as they are written.</summary>
internal sealed class DocumentedCommand(string name, string description, params string[] examples)
    : Command(name, description)
{
    public IReadOnlyList<string> Examples { get; } = examples;
}
