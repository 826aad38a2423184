namespace Penstock.Repo.Tests;

internal static class Offenders
{
    /// <summary>Fails with every offender on a line of its own: a list cut short costs a second run.</summary>
    public static void AssertNone(IEnumerable<string> offenders)
    {
        var all = offenders.ToList();
        if (all.Count > 0)
        {
            Assert.Fail(string.Join('\n', all));
        }
    }
}
