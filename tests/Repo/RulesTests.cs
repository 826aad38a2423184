namespace Penstock.Repo.Tests;

/// <summary>The rules themselves, on text that is just inside and just outside them.</summary>
public class RulesTests
{
    [Fact]
    public void A_source_file_may_have_300_lines_and_a_test_500()
    {
        Assert.Empty(Rules.FileLines("src/A.cs", Lines(300)));
        Assert.Equal(301, Assert.Single(Rules.FileLines("src/A.cs", Lines(301))).Measure);
        Assert.Empty(Rules.FileLines("tests/A.cs", Lines(500)));
        Assert.Equal(501, Assert.Single(Rules.FileLines("tests/A.cs", Lines(501))).Measure);
    }

    [Fact]
    public void A_method_may_have_60_lines_without_its_comments()
    {
        Assert.Empty(Rules.MethodLines("A.cs", Method(60)));
        Assert.Equal("A.cs::M", Assert.Single(Rules.MethodLines("A.cs", Method(61))).Place);
    }

    [Fact]
    public void A_line_may_have_120_characters()
    {
        Assert.Empty(Rules.LineLength("A.cs", new string('x', 120) + "\n"));
        Assert.Equal(121, Assert.Single(Rules.LineLength("A.cs", "a\n" + new string('x', 121) + "\n")).Measure);
    }

    [Theory]
    [InlineData("class A(int a, int b, int c, int d, int e, int f);", 0)]
    [InlineData("class A(int a, int b, int c, int d, int e, int f, int g);", 1)]
    [InlineData("record A(int a, int b, int c, int d, int e, int f, int g);", 1)]
    [InlineData("class A { A(int a, int b, int c, int d, int e, int f, int g) { } }", 1)]
    [InlineData("class A { void M(int a, int b, int c, int d, int e, int f, int g) { } }", 0)]
    public void A_constructor_of_any_form_may_take_six_parameters(string text, int findings) =>
        Assert.Equal(findings, Rules.ConstructorParameters("A.cs", text).Count());

    [Theory]
    [InlineData("class PoolManager;", 1)]
    [InlineData("static class StringUtils;", 1)]
    [InlineData("interface IEngineBase;", 1)]
    [InlineData("class Database;", 0)]
    [InlineData("class Baseline;", 0)]
    [InlineData("record struct Implied;", 0)]
    public void A_type_name_is_judged_word_by_word(string text, int findings) =>
        Assert.Equal(findings, Rules.TypeNames("A.cs", text).Count());

    [Theory]
    [InlineData("class A { [Fact] public void Sends_one_byte() { } }", 0)]
    [InlineData("class A { [Fact] public void SendsOneByte() { } }", 1)]
    [InlineData("class A { [Theory, InlineData(1)] public void Works(int i) { } }", 1)]
    [InlineData("class A { public void SendsOneByte() { } }", 0)]
    public void A_test_is_named_with_a_sentence(string text, int findings) =>
        Assert.Equal(findings, Rules.TestNames("A.cs", text).Count());

    private static string Lines(int count) => string.Concat(Enumerable.Repeat("\n", count));

    private static string Method(int lines)
    {
        var body = string.Concat(Enumerable.Repeat("x();\n", lines - 3));
        return $"class A\n{{\n// about M\n// and more\nvoid M()\n{{\n{body}}}\n}}\n";
    }
}
