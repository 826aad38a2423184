using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.KvSync;

namespace Penstock.Core.Tests.KvSync;

public sealed class KvSequenceTests
{
    [Fact]
    public void Takes_a_publisher_from_its_first_batch_on()
    {
        var sequence = default(KvSequence);
        for (var number = 0UL; number < 5; number++)
        {
            Assert.Equal(KvStep.InOrder, sequence.After(number));
            sequence = sequence.Taken(number);
        }

        Assert.Equal(KvStep.Gap, sequence.After(6));
        Assert.Equal(5UL, sequence.Next);
        Assert.Equal(KvStep.Rollback, sequence.After(0));
        Assert.Equal(KvStep.Rollback, sequence.After(4));
    }

    [Fact]
    public void Knows_that_it_came_late()
    {
        Assert.Equal(KvStep.StartedInTheMiddle, default(KvSequence).After(7));
        var sequence = KvSequence.StartingAt(7);
        Assert.Equal(KvStep.InOrder, sequence.After(7));
        Assert.Equal(KvStep.Rollback, sequence.Taken(7).After(6));
    }

    [Fact]
    public void Drops_live_batches_that_a_replay_had_brought()
    {
        var sequence = default(KvSequence).Taken(0).Replayed(1).Replayed(2).Replayed(3);
        Assert.Equal(KvStep.Duplicate, sequence.After(2));
        sequence = sequence.Taken(2);
        Assert.Equal(KvStep.Rollback, sequence.After(0));
        Assert.Equal(KvStep.Rollback, sequence.After(2));
        Assert.Equal(KvStep.Duplicate, sequence.After(3));
        Assert.Equal(KvStep.InOrder, sequence.Taken(3).After(4));
    }

    [Fact]
    public void Takes_what_was_overtaken_on_its_connection_for_late_and_not_for_a_restart()
    {
        var sequence = default(KvSequence).Taken(0).Taken(1);
        Assert.Equal(KvStep.Gap, sequence.After(3));
        var filled = sequence.Replayed(2).Replayed(3).Taken(3);
        Assert.Equal(KvStep.Duplicate, filled.After(2));
        Assert.Equal(KvStep.InOrder, filled.Taken(2).After(4));
        var twice = filled.Taken(4).Replayed(5).Replayed(6).Taken(6);
        Assert.Equal(KvStep.Duplicate, twice.After(2));
        Assert.Equal(KvStep.Duplicate, twice.After(5));
        Assert.Equal(KvStep.Rollback, twice.After(1));
        Assert.Equal(KvStep.Rollback, twice.After(6));
        var givenUp = KvSequence.StartingAt(3, skippedFrom: sequence.Next).Taken(3);
        Assert.Equal(KvStep.Duplicate, givenUp.After(2));
        Assert.Equal(KvStep.Rollback, givenUp.After(1));
        Assert.Equal(KvStep.Rollback, givenUp.Reconnected().After(2));
    }

    [Fact]
    public void Takes_a_number_that_comes_again_over_a_new_connection_for_a_restart()
    {
        var sequence = default(KvSequence).Taken(0).Replayed(1).Replayed(2).Reconnected();
        Assert.Equal(KvStep.Rollback, sequence.After(2));
        Assert.Equal(KvStep.Rollback, sequence.After(0));
        Assert.Equal(KvStep.InOrder, sequence.After(3));
        Assert.Equal(KvStep.Duplicate, sequence.Replayed(3).After(3));
    }

    // One publisher, a lossy live path, a replay that has everything: whatever is lost or cut, each batch is taken
    // once and in order.
    [Fact]
    public void Takes_each_batch_once_in_order_whatever_is_lost() => Prop.ForAll<byte[]>(script =>
    {
        var sequence = default(KvSequence);
        var taken = new List<ulong>();
        var published = 0UL;
        foreach (var step in script)
        {
            var number = published++;
            if (step % 7 == 0)
            {
                sequence = sequence.Reconnected();
            }

            if (step % 3 == 0)
            {
                continue;
            }

            if (sequence.After(number) is KvStep.Gap or KvStep.StartedInTheMiddle)
            {
                // The publisher may be ahead of what is heard live.
                for (var lost = sequence.Next; lost <= number + (ulong)(step % 2); lost++)
                {
                    taken.Add(lost);
                    sequence = sequence.Replayed(lost);
                    published = Math.Max(published, lost + 1);
                }
            }

            switch (sequence.After(number))
            {
                case KvStep.InOrder:
                    taken.Add(number);
                    sequence = sequence.Taken(number);
                    break;
                case KvStep.Duplicate:
                    sequence = sequence.Taken(number);
                    break;
                default:
                    return false;
            }
        }

        return taken.SequenceEqual(Enumerable.Range(0, taken.Count).Select(i => (ulong)i));
    }).QuickCheckThrowOnFailure();
}
