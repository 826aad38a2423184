using System.Numerics;
using System.Runtime.CompilerServices;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// From the leading blocks that a replica holds to the tokens that its engine will find: with the tail of a prompt that
/// it answered, the answer itself, and the rounding of its kind of cache.
/// </summary>
internal sealed class CacheForecast(BlockHolders blocks, CacheLists lists, KnownLengths known, int replicas)
{
    private readonly ulong[] _holders = new ulong[ReplicaSet.Words(replicas)];

    /// <summary>Which of <see cref="_forecasts"/> holds for a replica; 0 for what follows from its blocks
    /// alone.</summary>
    private readonly byte[] _which = new byte[replicas];
    private readonly Forecast[] _forecasts = new Forecast[(2 * PromptLengths.SpotsMax) + 1];
    private int _count;

    /// <summary>Engines find the tokens of answers again, as a share of the times that it could be seen. Some templates
    /// leave out of the history what the model thought, so that what follows it never matches.</summary>
    public double AnswersKept { get; private set; } = 1;

    private bool CountsAnswers => AnswersKept >= 0.5;

    /// <summary>What one replica will find that holds so many leading blocks.</summary>
    public Forecast One(in PromptPrefix prompt, PromptLengths lengths, int replica, int depth, int blockLength)
    {
        foreach (ref readonly var spot in lengths.Spots)
        {
            if (spot.Block != depth)
            {
                continue;
            }

            if (spot.Tokens > 0 && blocks.Find(spot.EndKey, replica) is not BlockHolders.None and var end)
            {
                return Finish(OfEnd(in spot, end), lengths, replica);
            }

            if (spot.Mark < PromptLengths.Parts && blocks.Find(spot.PartKey, replica) is not 0 and var part)
            {
                return Finish(OfPart(in spot, lengths, part), lengths, replica);
            }
        }

        var block = OfBlocks(prompt.Blocks, lengths, depth, blockLength);
        if (depth > 0)
        {
            block = block with { At = blocks.Find(block.Hash, replica) };
        }

        return Finish(block, lengths, replica);
    }

    /// <summary>What is found in one sequence that holds so many leading blocks, and these keys.</summary>
    public Forecast OfSequence(
        in PromptPrefix prompt, PromptLengths lengths, int depth, in SlotKeys keys, int blockLength)
    {
        var found = OfBlocks(prompt.Blocks, lengths, depth, blockLength);
        foreach (ref readonly var spot in lengths.Spots)
        {
            if (spot.Block != depth)
            {
                continue;
            }

            if (spot.Tokens > 0 && keys[SlotKeys.Answer] == spot.EndKey)
            {
                found = OfEnd(in spot, 0);
                break;
            }

            if (spot.Mark < PromptLengths.Parts && keys[1 + spot.Mark] == spot.PartKey)
            {
                found = OfPart(in spot, lengths, 0);
                break;
            }
        }

        return found with { Tokens = Math.Min(found.Tokens, lengths.Total - 1) };
    }

    /// <summary>What all replicas will find, by the leading blocks that each holds.</summary>
    public void All(
        in PromptPrefix prompt, PromptLengths lengths, ReadOnlySpan<int> depths, Span<PrefixMatch> matches,
        int blockLength)
    {
        FindEnds(lengths, depths);
        var which = -1;
        var depth = -1;
        var blockTokens = 0;
        var last = default(PrefixMatch);
        var caches = lists.All;
        var whiches = _which.AsSpan(0, caches.Length);
        depths = depths[..caches.Length];
        matches = matches[..caches.Length];
        for (var replica = 0; replica < caches.Length; replica++)
        {
            // Most replicas are like the one before.
            ref readonly var cache = ref caches[replica];
            if (which == whiches[replica] && depth == depths[replica] && blockTokens == cache.BlockTokens
                && cache.IsPlain)
            {
                matches[replica] = last;
                matches[replica].Room = cache.Device.Room;
                continue;
            }

            (which, depth, blockTokens) = (whiches[replica], depths[replica], cache.BlockTokens);
            var found = which > 0 ? _forecasts[which] : OfBlocks(prompt.Blocks, lengths, depth, blockLength);
            found = Finish(in found, lengths, replica);
            matches[replica] = cache.LowerCapacity == 0
                ? new PrefixMatch { Device = (int)found.Tokens }
                : ByTier(prompt.Blocks, lengths, replica, depth, found, blockLength);
            matches[replica].Room = cache.Device.Room;
            last = matches[replica];
            which = cache.IsPlain ? which : -1;
        }
    }

    /// <summary>Of a prompt that was sent with a claim, so many tokens were found.</summary>
    public void Learn(int replica, in PrefixClaim claim, long reported)
    {
        if (claim.Basis is ForecastBasis.Block or ForecastBasis.Part)
        {
            known.LearnCommon(claim.BasisHash, claim.Predicted, reported);
        }
        else if (claim.Basis == ForecastBasis.End)
        {
            LearnAnswer(claim.BasisHash, lists[replica].BlockTokens, reported);
        }
    }

    /// <summary>Of a prompt that went on from one that the replica answered, so many tokens were found.</summary>
    private void LearnAnswer(ulong mark, int blockTokens, long reported)
    {
        ref var length = ref known.Find(mark);
        if (Unsafe.IsNullRef(ref length) || length.Output <= 2 * blockTokens)
        {
            return;
        }

        // In between, or far below, lies what was evicted: that says nothing about answers.
        var with = length.Tokens + length.Output - (2 * blockTokens);
        var without = Math.Abs(reported - length.Tokens) <= 2 * blockTokens;
        if (reported >= with || without)
        {
            AnswersKept += 0.1 * ((reported >= with ? 1 : 0) - AnswersKept);
        }
    }

    public void Save(StateWriter to) => to.Write(AnswersKept);

    public void Load(ref StateReader from) => AnswersKept = from.Read<double>();

    private Forecast OfEnd(in Spot spot, int at)
    {
        var tokens = CountsAnswers ? spot.Tokens + Math.Max(0, spot.Output - 1)
            : spot.Common > 0 ? spot.Common : spot.Tokens;
        return new Forecast(tokens, ForecastBasis.End, spot.Hash, at);
    }

    private static Forecast OfPart(in Spot spot, PromptLengths lengths, int at) =>
        new(spot.Common > 0 ? spot.Common : lengths.At(spot.End), ForecastBasis.Part, spot.Hash, at);

    private Forecast OfBlocks(ReadOnlySpan<ulong> chain, PromptLengths lengths, int depth, int blockLength)
    {
        if (depth == 0)
        {
            return default;
        }

        var tokens = lengths.At((long)depth * blockLength);
        ref var length = ref known.Find(chain[depth - 1]);
        if (!Unsafe.IsNullRef(ref length) && length.Common > 0)
        {
            tokens = length.Common;
        }

        return new Forecast(tokens, ForecastBasis.Block, chain[depth - 1], 0);
    }

    /// <summary>The same tokens by where they lie. Blocks move down end first, so each tier holds what follows on the
    /// one above it.</summary>
    private PrefixMatch ByTier(
        ReadOnlySpan<ulong> chain, PromptLengths lengths, int replica, int depth, Forecast found, int blockLength)
    {
        var device = TokensIn(chain, lengths, replica, depth, CacheTier.Device, blockLength);
        var host = TokensIn(chain, lengths, replica, depth, CacheTier.Host, blockLength);
        var last = depth == 0 ? CacheTier.Device : blocks[blocks.Find(chain[depth - 1], replica)].Tier;
        if (found.Basis == ForecastBasis.End && blocks.Find(Spot.EndKeyOf(found.Hash), replica) is not 0 and var end)
        {
            last = blocks[end].Tier;
        }

        device = last == CacheTier.Device ? found.Tokens : Math.Min(device, found.Tokens);
        host = last <= CacheTier.Host ? found.Tokens : Math.Clamp(host, device, found.Tokens);
        return new PrefixMatch
        {
            Device = (int)device, Host = (int)(host - device), Disk = (int)(found.Tokens - host),
        };
    }

    /// <summary>Tokens of the leading blocks that lie in a tier or above it.</summary>
    private long TokensIn(
        ReadOnlySpan<ulong> chain, PromptLengths lengths, int replica, int depth, CacheTier tier, int blockLength)
    {
        var low = 0;
        while (low < depth)
        {
            var middle = (low + depth) / 2;
            if (blocks[blocks.Find(chain[middle], replica)].Tier <= tier)
            {
                low = middle + 1;
            }
            else
            {
                depth = middle;
            }
        }

        return lengths.At((long)low * blockLength);
    }

    /// <summary>Which replicas hold an answer or a part that ends just after the blocks that they hold.</summary>
    private void FindEnds(PromptLengths lengths, ReadOnlySpan<int> depths)
    {
        _which.AsSpan().Clear();
        _count = 1;
        foreach (ref readonly var spot in lengths.Spots)
        {
            if (!depths.Contains(spot.Block))
            {
                continue;
            }

            if (spot.Tokens > 0)
            {
                Spread(spot.EndKey, OfEnd(in spot, 0), depths, spot.Block);
            }

            if (spot.Mark < PromptLengths.Parts)
            {
                Spread(spot.PartKey, OfPart(in spot, lengths, 0), depths, spot.Block);
            }
        }
    }

    private void Spread(ulong key, in Forecast forecast, ReadOnlySpan<int> depths, int depth)
    {
        _forecasts[_count] = forecast;
        blocks.Find(key, _holders);
        for (var word = 0; word < _holders.Length; word++)
        {
            for (var left = _holders[word]; left != 0; left &= left - 1)
            {
                var replica = (word << 6) + BitOperations.TrailingZeroCount(left);
                if (depths[replica] == depth && _which[replica] == 0)
                {
                    _which[replica] = (byte)_count;
                }
            }
        }

        _count++;
    }

    /// <summary>Less what the replica lost of it already, rounded as it rounds, and never the whole prompt: its last
    /// token is always computed.</summary>
    private Forecast Finish(in Forecast forecast, PromptLengths lengths, int replica)
    {
        ref readonly var cache = ref lists[replica];
        var lost = cache.PartialLost > 0 && IsPartial(in forecast, cache.Partial) ? cache.PartialLost : 0;
        var tokens = Math.Min(Math.Min(forecast.Tokens - lost, lengths.Total - 1), int.MaxValue);
        return forecast with { Tokens = Math.Max(0, tokens - (tokens % cache.BlockTokens)) };
    }

    private static bool IsPartial(in Forecast forecast, ulong partial) =>
        partial == forecast.Hash
        || (forecast.Basis == ForecastBasis.End && partial == Spot.EndKeyOf(forecast.Hash));
}
