using System.Net.Sockets;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Tests.Engines.KvEvents;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>A replica for each rank: it has one endpoint, and its batches name a rank that is not 0.</summary>
public sealed class NamedRankTests
{
    private const int Rank = 3;

    [Fact]
    public async Task What_was_missed_of_it_before_it_was_listened_to_is_over_once_it_began_anew()
    {
        await using var publisher = HostilePublisher.After(
            [.. FeedRig.Message(7, FeedRig.Batch(8, Rank)), .. FeedRig.Message(0, FeedRig.Batch(1, Rank))]);
        await using var rig = new FeedRig();
        rig.Identify(publisher);
        await FeedRig.WhenAsync(() => rig.Status.Batches == 2);
        Assert.Equal((FeedState.Live, 2L), (rig.Status.State, rig.Status.ResidentTokens));
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(5UL)]
    public async Task A_first_batch_that_cannot_be_read_leaves_nothing_in_doubt(ulong number)
    {
        var connections = 0;
        await using var publisher = new HostilePublisher(async (socket, stop) =>
        {
            var message = ++connections == 1
                ? FeedRig.Message(number, 0xC1)
                : FeedRig.Message(0, FeedRig.Batch(1, Rank));
            await socket.SendAsync(HostilePublisher.Greeted(message), SocketFlags.None, stop);
        });
        await using var rig = new FeedRig();
        rig.Identify(publisher);
        await FeedRig.WhenAsync(() => rig.Status.Faults == 1);
        await rig.RetryAsync();
        await FeedRig.WhenAsync(() => rig.Status.Batches == 1);
        Assert.Equal((FeedState.Live, 2L), (rig.Status.State, rig.Status.ResidentTokens));
    }
}
