using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Gateway.Configuration;

namespace Penstock.Gateway.Tests.Configuration;

public class FleetSourceTests
{
    private static readonly PenstockConfig First = Documents.Valid(Documents.Minimal);

    [Fact]
    public void A_document_with_errors_makes_no_source()
    {
        var load = ConfigLoader.FromDocument(new(), 1, SecretValues.None);
        Assert.NotEmpty(load.Errors);
        Assert.Null(FleetSource.TryCreate(load, TimeProvider.System, NullLogger<FleetSource>.Instance));
    }

    [Fact]
    public void A_change_made_in_memory_is_held_to_the_same_bounds_as_a_file()
    {
        var source = Source();
        var error = Assert.Single(source.Apply(First with { Routing = new() { AttemptsMax = 99 } }, SecretValues.None));
        Assert.Equal("routing.attempts_max", error.Path);
        Assert.Equal(1, source.Current.Version);
    }

    [Fact]
    public void A_good_change_gets_the_next_version_and_is_announced_once_it_holds()
    {
        var source = Source();
        var heard = new List<(long Version, long Current)>();
        source.Changed += s => heard.Add((s.Version, source.Current.Version));
        Assert.Empty(source.Apply(First with { StrictModels = true }, SecretValues.None));
        Assert.Empty(source.Apply(First, SecretValues.None));
        Assert.Equal([(2, 2), (3, 3)], heard);
        Assert.Equal(3, source.Status.Version);
    }

    [Fact]
    public void A_bad_change_changes_nothing_and_is_reported_until_a_good_one_comes()
    {
        var source = Source();
        var before = source.Current;
        source.Changed += _ => Assert.Fail("nothing came into force");
        Assert.NotEmpty(source.Apply(First with { Models = [] }, SecretValues.None));
        Assert.Same(before, source.Current);
        Assert.Same(First, source.Document);
        Assert.Equal("models", source.Status.LastErrors[0].Path);
    }

    [Fact]
    public void A_listener_that_throws_harms_neither_the_change_nor_the_others()
    {
        var source = Source();
        var heard = 0;
        source.Changed += _ => throw new InvalidOperationException("a bug of the listener's");
        source.Changed += _ => heard++;
        Assert.Empty(source.Apply(First, SecretValues.None));
        Assert.Equal((1, 2), (heard, source.Current.Version));
    }

    [Fact]
    public void Settings_that_need_a_restart_wait_until_they_are_set_back()
    {
        var source = Source();
        var changed = First with { Server = First.Server with { Port = 1, Drain = TimeSpan.Zero } };
        Assert.Empty(source.Apply(changed, SecretValues.None));
        Assert.Equal(["server.port", "server.drain"], source.Status.RestartNeeded);
        Assert.Empty(source.Apply(First with { StrictModels = true }, SecretValues.None));
        Assert.Empty(source.Status.RestartNeeded);
    }

    private static FleetSource Source() =>
        FleetSource.TryCreate(
            ConfigLoader.FromDocument(First, 1, SecretValues.None),
            TimeProvider.System,
            NullLogger<FleetSource>.Instance)!;
}
