namespace Penstock.Core.Prefixes;

/// <summary>What sequences hold, entered in the tables of the index, where several may hold the same.</summary>
internal sealed class SlotEntries(BlockHolders blocks, CacheLists lists, int blockLength)
{
    /// <summary>What a free sequence held is gone, except for what others hold too.</summary>
    public void Forget(int replica, Span<SlotContent> slots, int slot)
    {
        ref var content = ref slots[slot];
        var shared = 0;
        for (var i = 0; i < slots.Length; i++)
        {
            shared = i == slot ? shared : Math.Max(shared, slots[i].Held.CommonPrefixLength(content.Held));
        }

        for (var key = 0; key < SlotKeys.Length; key++)
        {
            if (content.Keys[key] != 0 && !IsElsewhere(slots, slot, key))
            {
                Remove(replica, content.Keys[key]);
            }
        }

        for (var depth = content.Count - 1; depth >= shared; depth--)
        {
            Remove(replica, content.Blocks[depth]);
        }

        content.Empty();
    }

    /// <summary>An empty sequence holds a prompt now, and what was answered to it; where <paramref name="tokens"/> is 0
    /// no more than it found of the prompt.</summary>
    public void Keep(
        int replica, ref SlotContent content, in PromptPrefix prompt, PromptLengths lengths, long tokens)
    {
        var answered = tokens > 0;
        var count = Math.Min(answered ? prompt.Blocks.Length : content.Found, content.Blocks.Length);
        prompt.Blocks[..count].CopyTo(content.Blocks);
        content.Count = count;
        var before = lengths.At((long)count * blockLength);
        content.Tokens = content.Certain = answered ? tokens : before;
        if (answered && count == prompt.Blocks.Length && prompt.HasEnd)
        {
            content.Keys[SlotKeys.Answer] = Spot.EndKeyOf(prompt.Marks[^1].Hash);
            Add(replica, content.Keys[SlotKeys.Answer], tokens - before);
        }

        for (var depth = count - 1; depth >= 0; depth--)
        {
            var from = lengths.At((long)depth * blockLength);
            Add(replica, content.Blocks[depth], before - from);
            before = from;
        }

        for (var i = 0; i < PromptLengths.Parts && i < prompt.Marks.Length; i++)
        {
            // The end of a part lies behind so many blocks, inside of the next one.
            var behind = prompt.Marks[i].End / blockLength;
            if (behind < count || (answered && behind == count))
            {
                content.Keys[1 + i] = Spot.PartKeyOf(prompt.Marks[i].Hash);
                Add(replica, content.Keys[1 + i], 0);
            }
        }
    }

    private static bool IsElsewhere(ReadOnlySpan<SlotContent> slots, int slot, int key)
    {
        for (var i = 0; i < slots.Length; i++)
        {
            if (i != slot && slots[i].Keys[key] == slots[slot].Keys[key])
            {
                return true;
            }
        }

        return false;
    }

    private void Add(int replica, ulong hash, long tokens)
    {
        if (lists.FindOrHold(replica, hash, tokens) is not BlockHolders.None and var at)
        {
            lists.Unpin(replica, at, tokens, confirms: true);
        }
    }

    private void Remove(int replica, ulong hash)
    {
        if (blocks.Find(hash, replica) is not BlockHolders.None and var at)
        {
            lists.Remove(replica, at);
        }
    }
}
