using System.Text;

namespace Penstock.LiveBench.Sessions;

/// <summary>
/// The body of a session's next request, kept as the bytes that are sent: a request that goes on where the last one
/// ended costs only what it adds. A prompt is one system text, then turns; the engine's own answer is put where the
/// trace has its blocks, as a client does, so that the next prompt extends prompt and answer byte for byte.
/// </summary>
internal sealed class Transcript(BlockTexts texts, int systemBlocks)
{
    private const int NoAnswer = -1;
    private static readonly byte[] s_openSystem = Encoding.ASCII.GetBytes("""
        "system":[{"type":"text","cache_control":{"type":"ephemeral"},"text":"
        """);

    private static readonly byte[] s_openTurns = Encoding.ASCII.GetBytes("""
        "}],"messages":[{"role":"user","content":[{"type":"text","text":"
        """);

    private static readonly byte[] s_noSystem = Encoding.ASCII.GetBytes("""
        "messages":[{"role":"user","content":[{"type":"text","text":"
        """);

    private static readonly byte[] s_openAnswer = Encoding.ASCII.GetBytes("""
        "}]},{"role":"assistant","content":[{"type":"text","text":"
        """);

    private static readonly byte[] s_closeAnswer = Encoding.ASCII.GetBytes("""
        "}]},{"role":"user","content":[{"type":"text","text":"
        """);

    private static readonly byte[] s_end = Encoding.ASCII.GetBytes("\"}]}]}");

    private readonly List<Place> _places = [];
    private byte[] _bytes = new byte[1 << 16];
    private int _length;
    private int _systemBlocks;

    /// <summary>Blocks of the prompt, those that an answer stands for included.</summary>
    public int Blocks => _places.Count;

    /// <summary>The rest of a body, after its other fields: system and messages. Good until the next change.</summary>
    public ReadOnlyMemory<byte> Prompt(out ReadOnlyMemory<byte> end)
    {
        end = s_end;
        return _bytes.AsMemory(0, _length);
    }

    /// <summary>Makes this the prompt of <paramref name="step"/>.</summary>
    /// <param name="answer">The answer to the prompt as it was, escaped for JSON; empty where there was none.</param>
    /// <param name="answerTokens">How long that was.</param>
    public void Become(RequestStep step, ReadOnlySpan<byte> answer, int answerTokens)
    {
        var common = CommonBlocks(step);
        if (common > 0 && common == _places.Count && common < step.Blocks && answer.Length > 0)
        {
            var blocks = (answerTokens + (TraceFile.BlockTokens / 2)) / TraceFile.BlockTokens;
            AppendAnswer(step, answer, Math.Clamp(blocks, 0, step.Blocks - common - 1));
        }
        else
        {
            CutTo(common, step.Blocks);
        }

        var at = 0;
        foreach (var run in step.Prompt)
        {
            for (var i = Math.Max(0, _places.Count - at); i < run.Count; i++)
            {
                AppendBlock(run.First + i);
            }

            at += run.Count;
        }
    }

    /// <summary>
    /// Adds every block's key to those sent before, and says which share of the prompt, from its start up to the first
    /// new block, was among them.
    /// </summary>
    public double AddKeysTo(HashSet<ulong> keys)
    {
        var known = 0;
        for (var i = 0; i < _places.Count; i++)
        {
            known += !keys.Add(texts.KeyOf(_places[i].Id)) && known == i ? 1 : 0;
        }

        return (double)known / _places.Count;
    }

    private int CommonBlocks(RequestStep step)
    {
        var at = 0;
        foreach (var run in step.Prompt)
        {
            for (var i = 0; i < run.Count; i++, at++)
            {
                if (at == _places.Count || _places[at].Id != run.First + i)
                {
                    return at;
                }
            }
        }

        return at;
    }

    /// <summary>An answer is kept whole or not at all, and never ends the prompt.</summary>
    private void CutTo(int blocks, int of)
    {
        while (blocks > 0 && blocks < _places.Count && _places[blocks].AnswerStart is var start and >= 0
            && _places[blocks - 1].AnswerStart == start)
        {
            blocks--;
        }

        while (blocks == of && blocks > 0 && _places[blocks - 1].AnswerStart >= 0)
        {
            blocks--;
        }

        if (blocks < Math.Max(1, _systemBlocks) || of <= _systemBlocks)
        {
            _places.Clear();
            _length = 0;
            _systemBlocks = Math.Min(systemBlocks, of - 1);
            Append(_systemBlocks > 0 ? s_openSystem : s_noSystem);
        }
        else if (blocks < _places.Count)
        {
            _length = _places[blocks - 1].End;
            _places.RemoveRange(blocks, _places.Count - blocks);
        }
    }

    private void AppendAnswer(RequestStep step, ReadOnlySpan<byte> answer, int blocks)
    {
        var start = _length;
        Append(s_openAnswer);
        Append(answer);
        Append(s_closeAnswer);
        var end = _length;
        var at = 0;
        foreach (var run in step.Prompt)
        {
            for (var i = Math.Max(0, _places.Count - at); i < run.Count && blocks > 0; i++, blocks--)
            {
                _places.Add(new Place(run.First + i, end, start));
            }

            at += run.Count;
        }
    }

    private void AppendBlock(int id)
    {
        EnsureRoom(BlockTexts.BlockBytes);
        BlockTexts.Write(texts.KeyOf(id), _bytes.AsSpan(_length));
        _length += BlockTexts.BlockBytes;
        if (_places.Count + 1 == _systemBlocks)
        {
            Append(s_openTurns);
        }

        _places.Add(new Place(id, _length, NoAnswer));
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        EnsureRoom(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }

    private void EnsureRoom(int bytes)
    {
        if (_length + bytes > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + bytes));
        }
    }

    /// <summary>A block of the prompt.</summary>
    /// <param name="End">Where the prompt goes on after it, in an open turn of the user.</param>
    /// <param name="AnswerStart">Which answer stands for it, by where that begins; negative where none.</param>
    private readonly record struct Place(int Id, int End, int AnswerStart);
}
