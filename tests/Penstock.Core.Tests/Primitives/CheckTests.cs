using Penstock.Core.Primitives;

namespace Penstock.Core.Tests.Primitives;

public class CheckTests
{
    [Fact]
    public void What_holds_goes_unnoticed() => Check.That(1 + 1 == 2);

    [Fact]
    public void What_does_not_hold_throws_in_every_build_and_says_what_it_was()
    {
        var replicas = 0;
        var broken = Assert.Throws<InvariantException>(() => Check.That(replicas > 0));
        Assert.Equal("invariant broken: replicas > 0", broken.Message);
    }
}
