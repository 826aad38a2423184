using Dapper;
using Npgsql;
using Penstock.Gateway.Cluster;
using Penstock.Gateway.Cluster.Membership;
using Penstock.Gateway.Storage;
using Penstock.Gateway.Tests.Cluster;

namespace Penstock.Gateway.Tests.Storage;

/// <summary>Membership on a real PostgreSQL server.</summary>
public class PostgresMembersTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_gateway_that_beats_is_found_by_the_others_until_it_leaves()
    {
        var (_, database) = await server.NewDatabaseAsync();
        await using var a = new PostgresMembers(database);
        await using var b = new PostgresMembers(database);
        Assert.Equal(5, (await a.BeatAsync(Self("a", 5), false, Cancel)).Epoch);
        var roll = await b.BeatAsync(Self("b", 7), false, Cancel);
        Assert.Equal(
            ["a 5 http://a:1/", "b 7 http://b:1/"], roll.Members.Select(m => $"{m.Node} {m.Epoch} {m.Address}"));
        Assert.All(roll.Members, m => Assert.InRange(m.BeatAge, TimeSpan.Zero, s_long));

        await a.LeaveAsync(Self("a", 5), Cancel);
        Assert.Equal(["b"], (await b.BeatAsync(Self("b", 7), true, Cancel)).Members.Select(m => m.Node));
    }

    [Fact]
    public async Task A_later_process_takes_the_name_over_with_a_greater_epoch_and_the_earlier_one_learns_it()
    {
        var (_, database) = await server.NewDatabaseAsync();
        await using var before = new PostgresMembers(database);
        await using var after = new PostgresMembers(database);
        Assert.Equal(100, (await before.BeatAsync(Self("a", 100), false, Cancel)).Epoch);
        Assert.Equal(101, (await after.BeatAsync(Self("a", 3), false, Cancel)).Epoch);
        var told = await before.BeatAsync(Self("a", 100), true, Cancel);
        Assert.Null(told.Epoch);
        Assert.Equal(101, Assert.Single(told.Members).Epoch);

        // What leaves late takes nobody else out; and a name that is not heard any more is free again.
        await before.LeaveAsync(Self("a", 100), Cancel);
        Assert.Single((await after.BeatAsync(Self("a", 101), true, Cancel)).Members);
        await AgeAsync(database, MemberTimes.AliveWithin);
        Assert.Equal(102, (await before.BeatAsync(Self("a", 100), true, Cancel)).Epoch);
    }

    [Fact]
    public async Task A_member_that_does_not_beat_is_not_there_and_is_deleted_in_the_end()
    {
        var (_, database) = await server.NewDatabaseAsync();
        await using var a = new PostgresMembers(database);
        await using (var dead = new PostgresMembers(database))
        {
            await dead.BeatAsync(Self("dead", 1), false, Cancel);
        }

        await AgeAsync(database, MemberTimes.AliveWithin);
        Assert.Equal(["a"], (await a.BeatAsync(Self("a", 1), false, Cancel)).Members.Select(m => m.Node));
        Assert.Equal(2, await CountAsync(database));
        await AgeAsync(database, MemberTimes.DeleteAfter);
        await using var another = new PostgresMembers(database);
        await another.BeatAsync(Self("b", 1), false, Cancel);
        Assert.Equal(1, await CountAsync(database));
    }

    [Fact]
    public async Task Comings_and_goings_wake_those_who_wait()
    {
        var (_, database) = await server.NewDatabaseAsync();
        await using var a = new PostgresMembers(database);
        await using var b = new PostgresMembers(database);
        await a.BeatAsync(Self("a", 1), false, Cancel);
        while (await a.WaitForNewsAsync(TimeSpan.FromMilliseconds(1), Cancel))
        {
        }

        var news = a.WaitForNewsAsync(s_long, Cancel);
        await b.BeatAsync(Self("b", 1), false, Cancel);
        Assert.True(await news);
        news = a.WaitForNewsAsync(s_long, Cancel);
        await b.LeaveAsync(Self("b", 1), Cancel);
        Assert.True(await news);
    }

    [Fact]
    public async Task Many_gateways_that_start_at_once_migrate_the_database_once()
    {
        var (_, database) = await server.NewDatabaseAsync();
        var stores = Enumerable.Range(0, 8).Select(_ => new PostgresMembers(database)).ToList();
        await Task.WhenAll(stores.Select((s, i) => s.BeatAsync(Self($"n{i}", 1), false, Cancel)));
        Assert.Equal(8, (await stores[0].BeatAsync(Self("n0", 1), true, Cancel)).Members.Length);
        foreach (var store in stores)
        {
            await store.DisposeAsync();
        }

        await using var connection = new NpgsqlConnection(database);
        Assert.Equal(1, await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM penstock.migrations"));
        await connection.ExecuteAsync("INSERT INTO penstock.migrations (number, name) VALUES (9999, 'later')");
        await using var old = new PostgresMembers(database);
        await Assert.ThrowsAsync<NotSupportedException>(() => old.BeatAsync(Self("old", 1), false, Cancel));
    }

    [Fact]
    public async Task Gateways_find_each_other_and_go_on_while_the_database_is_away()
    {
        var (_, database) = await server.NewDatabaseAsync();
        await using var a = await ClusterNode.StartAsync("a", store: new PostgresMembers(database));
        await using var b = await ClusterNode.StartAsync("b", store: new PostgresMembers(database));
        a.Pool.LoadChanged(0, 1, 0, 0);
        b.Pool.LoadChanged(0, 2, 0, 0);
        await b.Heard.WhenLoadsAsync("a: p/r0 1 0 0");
        await a.Heard.WhenLoadsAsync("b: p/r0 2 0 0");

        await server.StopAsync();
        await Until.TrueAsync(() => a.Room.Watch!.Answers == false && b.Room.Watch!.Answers == false);
        a.Pool.LoadChanged(0, 3, 0, 0);
        await b.Heard.WhenLoadsAsync("a: p/r0 3 0 0");

        // One that starts meanwhile works alone, and is found once the database is back.
        await using var c = await ClusterNode.StartAsync("c", store: new PostgresMembers(database));
        c.Pool.LoadChanged(0, 5, 0, 0);
        await Until.TrueAsync(() => c.Room.Watch!.Answers == false);
        await server.StartAsync();
        await a.Heard.WhenLoadsAsync("b: p/r0 2 0 0", "c: p/r0 5 0 0");
        await c.Heard.WhenLoadsAsync("a: p/r0 3 0 0", "b: p/r0 2 0 0");
        Assert.DoesNotContain("b: gone", a.Heard.Lines);
    }

    private static ClusterSelf Self(string node, long epoch) =>
        new(node, epoch) { Address = new Uri($"http://{node}:1") };

    private static async Task AgeAsync(string database, TimeSpan by)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.ExecuteAsync("UPDATE penstock.members SET beat_at = beat_at - @by", new { by });
    }

    private static async Task<int> CountAsync(string database)
    {
        await using var connection = new NpgsqlConnection(database);
        return await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM penstock.members");
    }
}
