using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// An engine that shares blocks between all its requests and loses those that were not used longest: vLLM and
/// TensorRT-LLM block by block, SGLang all that one request added at once.
/// </summary>
/// <remarks>
/// As in vLLM's block pool, what a request gives back becomes the newest, its end first and its start last, so that
/// ends are lost before starts, and the last block of a request, which is not full, is found by nobody and still takes
/// its place in the order.
/// </remarks>
internal sealed class LruMirror(
    BlockHolders blocks, CacheLists lists, LastUse uses, CacheForecast forecast, CacheLearning learning,
    int blockLength) : CacheMirror
{
    /// <summary>Bytes of memory, all told.</summary>
    public const int Bytes = PrefixChainBuilder.BlocksMax * sizeof(int);

    private const int None = BlockHolders.None;

    /// <summary>Where the blocks of the chain at hand lie.</summary>
    private readonly int[] _places = new int[PrefixChainBuilder.BlocksMax];

    public override PrefixClaim Take(in PromptPrefix prompt, PromptLengths lengths, int replica, ulong key) =>
        TakeFor(lists.Shares.Open(replica, key), in prompt, lengths, replica);

    private PrefixClaim TakeFor(byte account, in PromptPrefix prompt, PromptLengths lengths, int replica)
    {
        var owed = lists.Shares.OwedBy(replica, account);
        var chain = prompt.Blocks[..Math.Min(prompt.Blocks.Length, PrefixChainBuilder.BlocksMax)];
        var doubted = lists[replica].DoubtedSince;
        var fresh = doubted == default ? 0 : uses.Since(replica, chain, doubted);
        var held = 0;
        for (; held < chain.Length; held++)
        {
            blocks.Find(chain, held, replica, _places);
            var at = _places[held];
            if (at == None)
            {
                break;
            }

            lists.Pin(replica, at, Weight(lengths, held));
        }

        var found = forecast.One(in prompt, lengths, replica, held, blockLength);
        var distance = uses.Distance(replica, found.At);
        var limit = learning.SafeDistance(replica);
        var safe = distance < limit ? found.Tokens
            : lengths.At((long)uses.Within(replica, chain, held, limit) * blockLength);
        Subsume(lengths, replica, held);
        var parts = TakeParts(in prompt, replica, account, 0, held);
        var depth = Add(chain, lengths, replica, account, held);
        parts |= TakeParts(in prompt, replica, account, held + 1, depth);
        return new PrefixClaim
        {
            Blocks = depth,
            Parts = parts,
            Generation = lists[replica].Generation,
            Predicted = found.Tokens,
            Basis = found.Basis,
            BasisHash = found.Hash,
            Distance = distance,
            Safe = Math.Min(found.Tokens, safe),
            Fresh = Math.Min(found.Tokens, lengths.At((long)fresh * blockLength)),
            DoubtedSince = doubted,
            Account = account,
            Added = lists.Shares.OwedBy(replica, account) - owed,
        };
    }

    public override void GiveBack(
        in PromptPrefix prompt, PromptLengths lengths, int replica, in PrefixClaim claim, long tokens, long counted)
    {
        Check.That(claim.Blocks <= prompt.Blocks.Length);
        var paid = Settle(replica, in claim, counted);
        var owed = lists.Shares.OwedBy(replica, claim.Account);
        var held = claim;
        var isStale = claim.Generation != lists[replica].Generation;
        if (tokens > 0 && (isStale || claim.Blocks < prompt.Blocks.Length))
        {
            // The engine did take it in, so there is room for it by now.
            if (!isStale)
            {
                Unpin(in prompt, lengths, replica, in claim, confirms: true);
            }

            held = TakeFor(claim.Account, in prompt, lengths, replica);
        }
        else if (isStale)
        {
            return;
        }

        if (tokens > 0 && held.Blocks == prompt.Blocks.Length)
        {
            KeepAnswer(in prompt, lengths, replica, claim.Account, tokens);
        }

        Unpin(in prompt, lengths, replica, in held, confirms: tokens > 0);
        lists.Fit(replica);
        lists.Shares.Pay(
            replica, claim.Account, Math.Min(paid, lists.Shares.OwedBy(replica, claim.Account) - owed));
    }

    /// <summary>What was computed for a request pays for what it added. Returns for how many more it would.</summary>
    private long Settle(int replica, in PrefixClaim claim, long counted)
    {
        ref readonly var cache = ref lists[replica];
        var computed = Math.Max(0, counted - claim.Predicted);
        var worth = lists.Shares.Worth(computed, cache.AllCapacity);
        var paid = Math.Min(claim.Added, worth);
        lists.Shares.Pay(replica, claim.Account, paid);
        lists.Shares.Advance(replica, computed, cache.AllCapacity);
        return worth - paid;
    }

    /// <summary>The replica holds a chain, and used it last: what taking it and giving it back at once comes to, but
    /// for what it costs, which nobody may be told of.</summary>
    public void Touch(in PromptPrefix prompt, PromptLengths lengths, int replica, ulong key)
    {
        var account = lists.Shares.Find(replica, key);
        var chain = prompt.Blocks;
        var depth = 0;
        for (; depth < chain.Length; depth++)
        {
            blocks.Find(chain, depth, replica, _places);
            var at = _places[depth];
            if (at == None)
            {
                break;
            }

            lists.Pin(replica, at, Weight(lengths, depth));
        }

        depth = Add(chain, lengths, replica, account, depth);
        for (depth--; depth >= 0; depth--)
        {
            lists.Unpin(replica, _places[depth], blocks[_places[depth]].Tokens, confirms: true);
        }

        lists.Fit(replica);
    }

    public override void Clear(int replica) => lists.Clear(replica);

    private long Weight(PromptLengths lengths, int depth) => lengths.OfBlock(depth, blockLength);

    /// <summary>Adds the blocks from <paramref name="depth"/> on, as many as there is room for.</summary>
    private int Add(ReadOnlySpan<ulong> chain, PromptLengths lengths, int replica, byte account, int depth)
    {
        var first = depth;
        for (; depth < chain.Length; depth++)
        {
            if ((depth - first) % BlockHolders.Batch == 0)
            {
                blocks.Warm(chain.Slice(depth, Math.Min(BlockHolders.Batch, chain.Length - depth)), replica);
                WarmOldest(replica);
            }

            // Where notices of the engine left a hole, what lies behind it is there already.
            var weight = Weight(lengths, depth);
            var at = blocks.Find(chain[depth], replica);
            if (at != None)
            {
                lists.Pin(replica, at, weight);
            }
            else if (lists.TryHold(replica, chain[depth], weight, out at, account))
            {
                blocks[at].BeginsRun = depth == first;
            }
            else
            {
                break;
            }

            _places[depth] = at;
        }

        return depth;
    }

    /// <summary>The same for those that are lost next.</summary>
    private void WarmOldest(int replica)
    {
        Span<ulong> hashes = stackalloc ulong[BlockHolders.Batch];
        var count = 0;
        for (var at = lists[replica].Device.Oldest; at != None && count < hashes.Length; at = blocks[at].Newer)
        {
            hashes[count++] = blocks[at].Hash;
        }

        blocks.Warm(hashes[..count], replica);
    }

    /// <summary>Takes the ends of the parts that lie after so many blocks, both included.</summary>
    private int TakeParts(in PromptPrefix prompt, int replica, byte account, int from, int to)
    {
        var taken = 0;
        for (var i = 0; i < PromptLengths.Parts && i < prompt.Marks.Length; i++)
        {
            var block = prompt.Marks[i].End / blockLength;
            if (block < from || block > to)
            {
                continue;
            }

            if (lists.FindOrHold(replica, Spot.PartKeyOf(prompt.Marks[i].Hash), 0, account) != None)
            {
                taken |= 1 << i;
            }
        }

        return taken;
    }

    /// <summary>
    /// What the replica kept of the turn before is part of this prompt now, so it is not to be counted twice; only its
    /// last block, which was not full, stays where it is in the order until it is taken for something else.
    /// </summary>
    private void Subsume(PromptLengths lengths, int replica, int held)
    {
        foreach (ref readonly var spot in lengths.Spots)
        {
            if (spot.Block == held && spot.Tokens > 0 && blocks.Find(spot.EndKey, replica) is not None and var at)
            {
                lists.Reweigh(replica, at, Math.Min(blocks[at].Tokens, Unfull(replica, spot.Tokens + spot.Output - 1)));
            }
        }
    }

    /// <summary>Tokens of memory that a last block takes which is not full.</summary>
    private int Unfull(int replica, long tokens)
    {
        var block = lists[replica].BlockTokens;
        return tokens % block == 0 ? 0 : block;
    }

    /// <summary>The tail of the prompt and the answer, as one entry, which is lost before the blocks of the prompt.
    /// </summary>
    private void KeepAnswer(
        in PromptPrefix prompt, PromptLengths lengths, int replica, byte account, long tokens)
    {
        if (!prompt.HasEnd)
        {
            return;
        }

        var key = Spot.EndKeyOf(prompt.Marks[^1].Hash);
        var block = lists[replica].BlockTokens;
        var weight = ((tokens + block - 1) / block * block) - lengths.At((long)prompt.Blocks.Length * blockLength);
        if (lists.FindOrHold(replica, key, weight, account) is not None and var at)
        {
            lists.Unpin(replica, at, weight, confirms: true);
        }
    }

    private void Unpin(
        in PromptPrefix prompt, PromptLengths lengths, int replica, in PrefixClaim claim, bool confirms)
    {
        for (var depth = claim.Blocks; depth >= 0; depth--)
        {
            for (var i = 0; i < PromptLengths.Parts && i < prompt.Marks.Length; i++)
            {
                if ((claim.Parts & (1 << i)) != 0 && prompt.Marks[i].End / blockLength == depth)
                {
                    Unpin(Spot.PartKeyOf(prompt.Marks[i].Hash), replica, 0, confirms);
                }
            }

            if (depth > 0)
            {
                Unpin(prompt.Blocks[depth - 1], replica, Weight(lengths, depth - 1), confirms);
            }
        }
    }

    private void Unpin(ulong hash, int replica, long tokens, bool confirms)
    {
        var at = blocks.Find(hash, replica);
        Check.That(at != None);
        lists.Unpin(replica, at, tokens, confirms);
    }
}
