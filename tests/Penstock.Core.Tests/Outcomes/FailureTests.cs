using Penstock.Core.Outcomes;

namespace Penstock.Core.Tests.Outcomes;

public class FailureTests
{
    [Theory]
    [InlineData(FailureKind.InvalidRequest, Blame.Client)]
    [InlineData(FailureKind.Unauthenticated, Blame.Client)]
    [InlineData(FailureKind.PermissionDenied, Blame.Policy)]
    [InlineData(FailureKind.NotFound, Blame.Client)]
    [InlineData(FailureKind.ModelNotFound, Blame.Client)]
    [InlineData(FailureKind.MethodNotAllowed, Blame.Client)]
    [InlineData(FailureKind.TooLarge, Blame.Client)]
    [InlineData(FailureKind.RateLimited, Blame.Policy)]
    [InlineData(FailureKind.BudgetExceeded, Blame.Policy)]
    [InlineData(FailureKind.Overloaded, Blame.Capacity)]
    [InlineData(FailureKind.EngineFailed, Blame.Engine)]
    [InlineData(FailureKind.EngineTimeout, Blame.Engine)]
    [InlineData(FailureKind.NotSupported, Blame.Client)]
    [InlineData(FailureKind.ClientClosed, Blame.Client)]
    [InlineData(FailureKind.Draining, Blame.Capacity)]
    [InlineData(FailureKind.Internal, Blame.Us)]
    public void Every_failure_is_laid_at_someone(FailureKind kind, Blame blame) =>
        Assert.Equal(blame, new Failure(kind, "").Blame);

    [Fact]
    public void Only_what_is_known_to_be_ours_is_blamed_on_us() =>
        Assert.Equal(
            [FailureKind.Internal],
            Enum.GetValues<FailureKind>().Where(kind => new Failure(kind, "").Blame == Blame.Us));
}
