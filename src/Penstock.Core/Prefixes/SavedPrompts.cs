using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// What an engine with sequences keeps in the host's memory of those that were given to something else (llama-server's
/// <c>--cache-ram</c>): whole contents, the oldest lost first. One that comes back to a sequence leaves; one that is
/// the beginning of another is kept once; at least one stays, however large it is.
/// </summary>
/// <remarks>
/// The rule is that of <c>server_prompt_cache</c> in llama.cpp's <c>tools/server/server-task.cpp</c>. The blocks of all
/// lie in one array, in the order in which they were saved, so that one that leaves moves those behind it: as many
/// bytes as are kept at most. Where the engine does not say how much it keeps, or whether it does, that is learned:
/// nothing is predicted from here before it was found there several times, and what was not found any more although it
/// would still be here shows that less is kept.
/// </remarks>
internal sealed class SavedPrompts(CacheForecast forecast, int blockLength, int blocksMax)
{
    /// <summary>Contents kept at most.</summary>
    public const int PromptsMax = 128;

    /// <summary>Saved content of which a prompt would use less than this share is left alone.</summary>
    private const double KeptShareMin = 0.25;

    private readonly ulong[] _blocks = new ulong[blocksMax];
    private readonly SavedPrompt[] _prompts = new SavedPrompt[PromptsMax];
    private int _count;
    private SavedSize _size;

    /// <summary>Tokens of all that is saved.</summary>
    public long Tokens { get; private set; }

    /// <summary>What is here is counted on.</summary>
    public bool IsBelieved => _size.IsBelieved;

    /// <summary>The engine keeps so many tokens; 0: that is not known.</summary>
    public void Resize(long told)
    {
        _size = told == _size.Told ? _size : new SavedSize { Told = told };
        Fit();
    }

    /// <summary>Saves what a sequence holds, takes out what it gets instead, and loses the oldest of what is too much.
    /// Returns how many were lost that the engine still has, for want of room here.</summary>
    /// <param name="held">The sequence.</param>
    /// <param name="prompt">The prompt that it is given to.</param>
    /// <param name="lengths">Its lengths.</param>
    /// <param name="there">What the sequence has of it.</param>
    public int Exchange(in SlotContent held, in PromptPrefix prompt, PromptLengths lengths, in Forecast there)
    {
        var lost = Save(in held);
        var best = Best(in prompt, lengths, in held, in there).At;
        if (best >= 0)
        {
            RemoveAt(best);
        }

        Fit();
        return IsBelieved ? lost : 0;
    }

    /// <summary>A request that took a sequence for something that was here found so many tokens.</summary>
    public void Learn(in PrefixClaim claim, long reported)
    {
        _size.Learn(in claim, reported);
        Fit();
    }

    /// <summary>What serves a prompt better than the sequence that it is given to, both by the share of it that is used
    /// and by what is found.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="lengths">Its lengths.</param>
    /// <param name="held">The sequence.</param>
    /// <param name="there">What the sequence has of the prompt.</param>
    public SavedMatch Best(in PromptPrefix prompt, PromptLengths lengths, in SlotContent held, in Forecast there)
    {
        var best = new SavedMatch(-1, 0, there, 0);
        var kept = held.Tokens == 0 ? -1.0 : there.Tokens / (double)held.Tokens;
        var distance = Tokens + held.Tokens;
        var depth = held.Held.CommonPrefixLength(prompt.Blocks);
        for (var i = 0; i < _count; i++)
        {
            // Chains that agree in one block agree in all before it, and who has fewer of them finds less.
            var blocks = BlocksOf(i);
            if (depth > 0 && (blocks.Length < depth || blocks[depth - 1] != prompt.Blocks[depth - 1]))
            {
                distance -= _prompts[i].Tokens;
                continue;
            }

            var common = blocks.CommonPrefixLength(prompt.Blocks);
            var here = forecast.OfSequence(in prompt, lengths, common, in _prompts[i].Keys, blockLength);
            var share = here.Tokens / (double)_prompts[i].Tokens;
            if (share >= KeptShareMin && share > kept && here.Tokens > best.Found.Tokens)
            {
                best = new SavedMatch(i, common, here, distance);
                (kept, depth) = (share, common);
            }

            distance -= _prompts[i].Tokens;
        }

        return best;
    }

    public void Clear()
    {
        _count = 0;
        Tokens = 0;
    }

    public void Save(StateWriter to)
    {
        to.WriteAll<SavedPrompt>(_prompts.AsSpan(0, _count));
        to.WriteAll<ulong>(_blocks.AsSpan(0, Used));
        to.Write(Tokens);
        to.Write(in _size);
    }

    public void Load(ref StateReader from)
    {
        _count = from.ReadAll<SavedPrompt>(_prompts);
        from.ReadAll<ulong>(_blocks);
        Tokens = from.Read<long>();
        _size = from.Read<SavedSize>();
    }

    private void Fit()
    {
        while (_count > 1 && Tokens > _size.Max)
        {
            RemoveAt(0);
        }
    }

    /// <summary>Blocks in use.</summary>
    private int Used => _count == 0 ? 0 : _prompts[_count - 1].Start + _prompts[_count - 1].Count;

    private ReadOnlySpan<ulong> BlocksOf(int at) => _blocks.AsSpan(_prompts[at].Start, _prompts[at].Count);

    private int Save(in SlotContent held)
    {
        if (held.Tokens == 0)
        {
            return 0;
        }

        for (var i = 0; i < _count; i++)
        {
            if (Contains(BlocksOf(i), in _prompts[i].Keys, held.Held, in held.Keys))
            {
                return 0;
            }
        }

        for (var i = _count - 1; i >= 0; i--)
        {
            if (Contains(held.Held, in held.Keys, BlocksOf(i), in _prompts[i].Keys))
            {
                RemoveAt(i);
            }
        }

        var lost = 0;
        for (; _count > 0 && (_count == PromptsMax || Used + held.Count > _blocks.Length); lost++)
        {
            RemoveAt(0);
        }

        if (held.Count > _blocks.Length)
        {
            return lost + 1;
        }

        var start = Used;
        held.Held.CopyTo(_blocks.AsSpan(start));
        _prompts[_count++] = new SavedPrompt
        {
            Start = start, Count = held.Count, Keys = held.Keys, Tokens = held.Tokens,
        };
        Tokens += held.Tokens;
        return lost;
    }

    /// <summary>Whether one content begins with another. Of what follows the last full block of the shorter one no more
    /// is known than that a longer one that has all its blocks is mostly its continuation.</summary>
    private static bool Contains(
        ReadOnlySpan<ulong> blocks, in SlotKeys keys, ReadOnlySpan<ulong> others, in SlotKeys otherKeys) =>
        (blocks.Length > others.Length ? others.Length > 0 : keys[SlotKeys.Answer] == otherKeys[SlotKeys.Answer])
        && blocks.StartsWith(others);

    private void RemoveAt(int at)
    {
        var (start, count) = (_prompts[at].Start, _prompts[at].Count);
        _blocks.AsSpan((start + count)..Used).CopyTo(_blocks.AsSpan(start));
        Tokens -= _prompts[at].Tokens;
        for (; at < _count - 1; at++)
        {
            _prompts[at] = _prompts[at + 1];
            _prompts[at].Start -= count;
        }

        _count--;
    }

    private struct SavedPrompt
    {
        public int Start;
        public int Count;
        public SlotKeys Keys;
        public long Tokens;
    }
}
