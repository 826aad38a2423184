using System.Runtime.CompilerServices;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>What one sequence of an engine holds: a prompt, and what was answered to it.</summary>
internal struct SlotContent(ulong[] blocks)
{
    /// <summary>Room for the hashes of its blocks.</summary>
    public readonly ulong[] Blocks = blocks;

    /// <summary>How many blocks there are.</summary>
    public int Count;

    public SlotKeys Keys;

    /// <summary>Tokens of all of it, with the answer.</summary>
    public long Tokens;

    /// <summary>Of these, there for certain: another request may have been given this sequence rather than the one
    /// that it was seen in.</summary>
    public long Certain;

    /// <summary>When its last request ended, by the clock of its replica; 0 where there was none.</summary>
    public long UsedAt;

    /// <summary>It is at work, and holds nothing that another request could use.</summary>
    public bool IsBusy;

    /// <summary>Leading blocks of the prompt at work that it held before.</summary>
    public int Found;

    /// <summary>Tokens that it has of the prompt that was looked at last.</summary>
    public long Here;

    public readonly ReadOnlySpan<ulong> Held => Blocks.AsSpan(0, Count);

    /// <summary>It holds nothing.</summary>
    public void Empty()
    {
        Count = 0;
        Keys = default;
        Tokens = 0;
        Certain = 0;
    }

    public readonly void Save(StateWriter to)
    {
        to.WriteAll(Held);
        to.Write(in Keys);
        to.Write(in Tokens);
        to.Write(in Certain);
        to.Write(in UsedAt);
        to.Write(in IsBusy);
        to.Write(in Found);
    }

    public void Load(ref StateReader from)
    {
        Count = from.ReadAll<ulong>(Blocks);
        Keys = from.Read<SlotKeys>();
        Tokens = from.Read<long>();
        Certain = from.Read<long>();
        UsedAt = from.Read<long>();
        IsBusy = from.Read<bool>();
        Found = from.Read<int>();
    }
}

/// <summary>Under what a sequence's answer is known, then under what the ends of its prompt's parts are; 0 where there
/// is none.</summary>
[InlineArray(Length)]
internal struct SlotKeys
{
    /// <summary>The place of the answer's.</summary>
    public const int Answer = 0;

    public const int Length = 1 + PromptLengths.Parts;

    private ulong _first;
}
