namespace Penstock.Repo.Tests;

public class AllowListTests
{
    private static readonly Finding s_long = new("file-lines", "src/A.cs", 400);

    [Fact]
    public void A_finding_that_is_not_on_the_list_is_reported() =>
        Assert.Equal(["breaks the rule: file-lines src/A.cs 400"], AllowList.Complaints("file-lines", [s_long], []));

    [Fact]
    public void A_finding_that_is_on_the_list_is_let_through() =>
        Assert.Empty(AllowList.Complaints("file-lines", [s_long], [s_long]));

    [Fact]
    public void An_entry_that_is_no_longer_needed_is_reported() =>
        Assert.Equal(
            [$"no longer needed in {AllowList.File}: file-lines src/A.cs 400"],
            AllowList.Complaints("file-lines", [], [s_long]));

    [Fact]
    public void An_entry_that_grants_more_than_is_needed_is_reported() =>
        Assert.Equal(2, AllowList.Complaints("file-lines", [s_long], [s_long with { Measure = 500 }]).Count);

    [Fact]
    public void Every_entry_names_a_rule_that_exists() =>
        Offenders.AssertNone(AllowList.Entries.Where(e => !Rules.Names.Contains(e.Rule)).Select(e => e.ToString()));
}
