using Spectre.Console;

namespace Penstock.Cli.Output;

/// <summary>Tables of plain text: what a cell holds is never taken for markup.</summary>
internal static class Tables
{
    public static Table TextColumns(this Table table, params ReadOnlySpan<string> headings)
    {
        foreach (var heading in headings)
        {
            table.AddColumn(new TableColumn(new Text(heading)));
        }

        return table;
    }

    public static Table NumberColumns(this Table table, params ReadOnlySpan<string> headings)
    {
        foreach (var heading in headings)
        {
            table.AddColumn(new TableColumn(new Text(heading)).RightAligned());
        }

        return table;
    }

    public static Table Cells(this Table table, params IEnumerable<string?> cells) =>
        table.AddRow(cells.Select(static c => new Text(c ?? "")));
}
