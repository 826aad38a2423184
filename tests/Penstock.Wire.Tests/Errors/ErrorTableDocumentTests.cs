using Penstock.Wire.Errors;

namespace Penstock.Wire.Tests.Errors;

public sealed class ErrorTableDocumentTests
{
    private const string Begin = "<!-- begin: ErrorTable.ToMarkdown() -->\n";
    private const string End = "<!-- end -->";

    [Fact]
    public void The_page_on_requests_shows_the_table_that_the_code_uses()
    {
        var page = File.ReadAllText(Path.Combine(Root(), "docs", "request.md"));
        var begin = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        var end = page.IndexOf(End, begin, StringComparison.Ordinal);
        Assert.Equal(ErrorTable.ToMarkdown().ReplaceLineEndings("\n"), page[begin..end]);
    }

    private static string Root()
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
