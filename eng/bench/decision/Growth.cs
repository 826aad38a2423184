using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.DecisionBench;

/// <summary>How the index's times and bytes grow with replicas and blocks.</summary>
internal static class Growth
{
    private const int ChainBlocks = 128;
    private static readonly int[] Replicas = [1, 8, 64, 256, 1_024];

    public static void Print(bool large)
    {
        Console.WriteLine(
            $"{"replicas",8} {"blocks",12} {"bytes each",10} {"match ns",9} {"again ns",9} {"new ns",9} {"p90",9}");
        for (var blocks = 100_000; blocks <= (large ? 100_000_000 : 10_000_000); blocks *= 10)
        {
            foreach (var replicas in Replicas)
            {
                Measure(replicas, blocks / replicas);
                GC.Collect();
            }
        }
    }

    private static void Measure(int replicas, int each)
    {
        if (each < ChainBlocks)
        {
            return;
        }

        var before = GC.GetTotalAllocatedBytes(precise: true);
        var index = new PrefixIndex(replicas, each, PrefixKeying.Bytes);
        var bytes = GC.GetTotalAllocatedBytes(precise: true) - before;
        var chain = new ulong[ChainBlocks];
        var seed = 1UL;
        for (var filled = 0; filled < each; filled += ChainBlocks)
        {
            for (var replica = 0; replica < replicas; replica++)
            {
                Fill(chain, seed++);
                index.Insert(chain, replica);
            }
        }

        var matched = new int[replicas];
        var held = seed - 1;
        var match = Row.Measure("", null, call =>
        {
            Fill(chain, held - (ulong)(call % 97));
            index.Match(chain, matched);
        });
        var fill = Row.Measure("", null, call => Fill(chain, held - (ulong)(call % 97)));
        Fill(chain, held);
        var again = Row.Measure("", null, _ => index.Insert(chain, replicas - 1));
        var fresh = Row.Measure("", null, call =>
        {
            Fill(chain, seed++);
            index.Insert(chain, call % replicas);
        });
        Console.WriteLine(
            $"{replicas,8} {(long)replicas * each,12:N0} {bytes / ((double)replicas * each),10:N1} "
            + $"{match.MedianNs - fill.MedianNs,9:N0} {again.MedianNs,9:N0} {fresh.MedianNs - fill.MedianNs,9:N0} "
            + $"{fresh.P90Ns - fill.MedianNs,9:N0}");
    }

    private static void Fill(ulong[] chain, ulong seed)
    {
        var rng = new Rng(seed);
        foreach (ref var block in chain.AsSpan())
        {
            block = rng.NextUInt64();
        }
    }
}
