using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Recording;

/// <summary>
/// Writes prompts as what is new in them: the blocks beyond a prompt that was written before, and the marks that it did
/// not have.
/// </summary>
/// <remarks>A direct-mapped table remembers where hashes stood in the last <see cref="PromptsBack"/> prompts. It is
/// bounded, and a forgotten place costs bytes only.</remarks>
internal sealed class PromptWriter
{
    /// <summary>How far back a prompt may refer.</summary>
    public const int PromptsBack = 256;

    private const int Places = 1 << 15;

    private readonly Place[] _blocks = new Place[Places];
    private readonly Place[] _marks = new Place[Places / 4];
    private long _prompts;

    public void Reset()
    {
        Array.Clear(_blocks);
        Array.Clear(_marks);
        _prompts = 0;
    }

    public void Write(in FieldWriter to, in PromptPrefix prompt)
    {
        _prompts++;
        WriteBlocks(in to, prompt.Blocks);
        WriteMarks(in to, prompt.Marks);
        to.WriteSigned(prompt.Length);
    }

    private void WriteBlocks(in FieldWriter to, ReadOnlySpan<ulong> blocks)
    {
        var common = 0;
        long back = 0;
        for (var i = blocks.Length - 1; i >= 0; i--)
        {
            if (IsNoted(blocks, i) && Find(_blocks, blocks[i], i, out back))
            {
                common = i + 1;
                break;
            }
        }

        to.Write((ulong)blocks.Length);
        to.Write((ulong)common);
        if (common > 0)
        {
            to.Write((ulong)back);
        }

        foreach (var block in blocks[common..])
        {
            to.WriteFixed(block);
        }

        for (var i = 0; i < blocks.Length; i++)
        {
            if (IsNoted(blocks, i))
            {
                _blocks[Of(_blocks, blocks[i])] = new Place(blocks[i], _prompts, i);
            }
        }
    }

    private void WriteMarks(in FieldWriter to, ReadOnlySpan<PromptMark> marks)
    {
        to.Write((ulong)marks.Length);
        for (var i = 0; i < marks.Length; i++)
        {
            var name = Hash64.Combine(marks[i].Hash, (ulong)marks[i].End);
            ref var place = ref _marks[Of(_marks, name)];
            if (place.Hash == name && _prompts - place.Prompt is > 0 and <= PromptsBack and var back)
            {
                to.Write((ulong)back);
                to.Write((ulong)place.At);
            }
            else
            {
                to.Write(0UL);
                to.WriteSigned(marks[i].End);
                to.WriteFixed(marks[i].Hash);
            }

            place = new Place(name, _prompts, i);
        }
    }

    /// <summary>One block in eight, and the last one: enough to find a common beginning to within eight blocks.
    /// </summary>
    private static bool IsNoted(ReadOnlySpan<ulong> blocks, int at) =>
        (blocks[at] & 7) == 0 || at == blocks.Length - 1;

    private bool Find(Place[] places, ulong hash, int at, out long back)
    {
        ref readonly var place = ref places[Of(places, hash)];
        back = _prompts - place.Prompt;
        return place.Hash == hash && place.At == at && back is > 0 and <= PromptsBack;
    }

    private static int Of(Place[] places, ulong hash) => (int)((hash >> 8) & (ulong)(places.Length - 1));

    private readonly record struct Place(ulong Hash, long Prompt, int At);
}

/// <summary>Reads what <see cref="PromptWriter"/> wrote; keeps the prompts that later ones may refer to.</summary>
internal sealed class PromptReader
{
    private const int MarksMax = 1024;

    private readonly RecordedPrompt?[] _recent = new RecordedPrompt?[PromptWriter.PromptsBack + 1];
    private long _prompts;

    /// <exception cref="InvalidDataException">The bytes are no prompt, or refer to one that is not there.</exception>
    public RecordedPrompt Read(ref FieldReader from)
    {
        _prompts++;
        var blocks = new ulong[from.ReadCount(PrefixChainBuilder.BlocksMax)];
        var common = from.ReadCount(blocks.Length);
        if (common > 0)
        {
            var earlier = Earlier(from.Read()).Blocks;
            if (earlier.Length < common)
            {
                throw new InvalidDataException("a prompt refers to blocks that are not there");
            }

            earlier.AsSpan(0, common).CopyTo(blocks);
        }

        for (var i = common; i < blocks.Length; i++)
        {
            blocks[i] = from.ReadFixed();
        }

        var marks = new PromptMark[from.ReadCount(MarksMax)];
        for (var i = 0; i < marks.Length; i++)
        {
            marks[i] = ReadMark(ref from);
        }

        var prompt = new RecordedPrompt(blocks, marks, from.ReadSigned());
        _recent[_prompts % _recent.Length] = prompt;
        return prompt;
    }

    private PromptMark ReadMark(ref FieldReader from)
    {
        var back = from.Read();
        if (back == 0)
        {
            return new PromptMark(from.ReadSigned(), from.ReadFixed());
        }

        var earlier = Earlier(back).Marks;
        var at = from.ReadCount(MarksMax);
        return at < earlier.Length
            ? earlier[at]
            : throw new InvalidDataException("a prompt refers to a mark that is not there");
    }

    private RecordedPrompt Earlier(ulong back) =>
        back <= PromptWriter.PromptsBack && (long)back < _prompts
        && _recent[(_prompts - (long)back) % _recent.Length] is { } earlier
            ? earlier
            : throw new InvalidDataException("a prompt refers to one that is not there");
}

/// <summary>A prompt as a log holds it.</summary>
internal sealed record RecordedPrompt(ulong[] Blocks, PromptMark[] Marks, long Length)
{
    public static RecordedPrompt None { get; } = new([], [], 0);

    public PromptPrefix Prefix => new() { Blocks = Blocks, Marks = Marks, Length = Length };
}
