using Spectre.Console;
using Spectre.Console.Rendering;

namespace Penstock.Cli.Output;

/// <summary>A line of dashes under the headings and nothing else: reads the same everywhere.</summary>
internal sealed class PlainBorder : TableBorder
{
    public static PlainBorder Instance { get; } = new();

    public override string GetPart(TableBorderPart part) => part switch
    {
        TableBorderPart.HeaderBottom or TableBorderPart.HeaderBottomSeparator => "-",
        _ => " ",
    };
}
