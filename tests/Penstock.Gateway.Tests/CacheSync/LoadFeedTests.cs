using System.Net.Sockets;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Tests.Engines;
using Penstock.Gateway.Tests.Engines.KvEvents;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>A publisher of load beside one of cache events: nobody is to look for a fault at the wrong port.</summary>
public sealed class LoadFeedTests
{
    [Fact]
    public async Task Whatever_a_publisher_of_load_does_says_nothing_of_the_cache()
    {
        var loads = 0;
        await using var events = HostilePublisher.After(FeedRig.Message(0, FeedRig.Batch(1)));

        // A block of its own, and then what breaks the rules.
        await using var load = new HostilePublisher(async (socket, stop) =>
        {
            Interlocked.Increment(ref loads);
            var bytes = HostilePublisher.Greeted([.. FeedRig.Message(0, FeedRig.Batch(2)), 0x08]);
            await socket.SendAsync(bytes, SocketFlags.None, stop);
        });
        await using var rig = new FeedRig();
        rig.Identify(events, load);
        await FeedRig.WhenAsync(() => rig.Status.Batches == 1);
        await rig.Clock.WhenTimerIsDueWithinAsync(TimeSpan.FromMilliseconds(250), Wires.Guard);
        await rig.RetryAsync();
        await FeedRig.WhenAsync(() => Volatile.Read(ref loads) == 2);
        Assert.Equal((FeedState.Live, 2L), (rig.Status.State, rig.Status.ResidentTokens));
        Assert.Empty(rig.Lines);
    }
}
