using System.Collections.Immutable;

namespace Penstock.Gateway.Cluster.Membership;

/// <summary>A gateway as the others find it.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Address">The URL for other gateways.</param>
/// <param name="Epoch">Which process of that name.</param>
/// <param name="StartedAt">When it entered itself.</param>
/// <param name="BeatAge">Since it last said that it is there, by the store's clock.</param>
internal sealed record Member(string Node, Uri Address, long Epoch, DateTimeOffset StartedAt, TimeSpan BeatAge);

/// <summary>What one beat brought.</summary>
/// <param name="Epoch">The epoch under which this gateway is entered; null where its name is in use by another
/// process.</param>
/// <param name="Members">All that were heard in the last <see cref="MemberTimes.AliveWithin"/>, this one too.</param>
internal sealed record MemberRoll(long? Epoch, ImmutableArray<Member> Members);

/// <summary>
/// Where gateways enter themselves and find each other. Every call can fail, and none may take longer than a few
/// seconds. One caller at a time.
/// </summary>
internal interface IMemberStore : IAsyncDisposable
{
    /// <summary>Says that this gateway is there, entering it where it is not, and reads who else is.</summary>
    /// <param name="self">This gateway; its address is known.</param>
    /// <param name="entered">False until the first beat of this process succeeded: then it takes the name over from an
    /// earlier process. Later it does so only where that one is not heard any more.</param>
    /// <param name="stop">Gives up.</param>
    Task<MemberRoll> BeatAsync(ClusterSelf self, bool entered, CancellationToken stop);

    /// <summary>Waits until members may have come or gone. False: for as long as allowed, nothing did.</summary>
    Task<bool> WaitForNewsAsync(TimeSpan atMost, CancellationToken stop);

    /// <summary>Takes this gateway out.</summary>
    Task LeaveAsync(ClusterSelf self, CancellationToken stop);
}

/// <summary>The times of membership.</summary>
internal static class MemberTimes
{
    public static readonly TimeSpan BeatEvery = TimeSpan.FromSeconds(2);

    /// <summary>A member that did not beat for this long is not there.</summary>
    public static readonly TimeSpan AliveWithin = TimeSpan.FromSeconds(10);

    /// <summary>The entry of a member that did not beat for this long is deleted.</summary>
    public static readonly TimeSpan DeleteAfter = TimeSpan.FromMinutes(10);

    /// <summary>How long the members last known are gone on with while the store does not answer.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);

    /// <summary>What one call to the store may take.</summary>
    public static readonly TimeSpan CallWithin = TimeSpan.FromSeconds(4);

    /// <summary>News are not followed more often than this.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);
}
