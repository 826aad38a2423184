namespace Penstock.Repo.Tests;

public class ShapeTests
{
    [Fact]
    public void No_file_is_longer_than_its_limit() => AssertKept("file-lines", Rules.FileLines);

    [Fact]
    public void No_method_is_longer_than_its_limit() => AssertKept("method-lines", Rules.MethodLines);

    [Fact]
    public void No_line_is_longer_than_its_limit() => AssertKept("line-length", Rules.LineLength);

    [Fact]
    public void No_constructor_takes_more_than_six_parameters() =>
        AssertKept("constructor-parameters", Rules.ConstructorParameters);

    [Fact]
    public void No_type_has_a_name_that_says_nothing() => AssertKept("type-name", Rules.TypeNames);

    [Fact]
    public void Every_test_has_a_sentence_for_a_name() => AssertKept("test-name", Rules.TestNames);

    private static void AssertKept(string name, Func<string, string, IEnumerable<Finding>> rule) =>
        AllowList.AssertNothingNew(name, Repository.Sources.SelectMany(f => rule(f, Repository.Read(f))));
}
