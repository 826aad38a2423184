using System.Text;
using Penstock.Core.Primitives;

namespace Penstock.LiveBench.Sessions;

/// <summary>
/// What stands for a block id of one session: the same id is always the same text, 64 words of three letters with a
/// space before each, which the simulated engine reads as 64 tokens. The tools and system text at the start of a first
/// prompt are keyed by their place, so that all sessions share them; everything else is the session's own.
/// </summary>
internal sealed class BlockTexts
{
    public const int BlockBytes = TraceFile.BlockTokens * WordBytes;
    private const int WordBytes = 4;
    private const int Letters = 26;

    private readonly Dictionary<int, ulong> _shared = [];
    private readonly ulong _own;

    public BlockTexts(Session session)
    {
        _own = Hash64.Combine(1, (ulong)session.Number);
        Share(session.Steps, "main", session.SharedBlocks);
        foreach (var agent in session.Steps.OfType<SubagentStep>())
        {
            Share(agent.Steps, agent.Kind, agent.SharedBlocks);
        }
    }

    /// <summary>One number for the text of that block, the same in every session that has this text.</summary>
    public ulong KeyOf(int id) => _shared.TryGetValue(id, out var key) ? key : Hash64.Combine(_own, (ulong)id);

    /// <summary>Writes the text of a block: <see cref="BlockBytes"/> bytes of ASCII.</summary>
    public static void Write(ulong key, Span<byte> text)
    {
        var rng = new Rng(key);
        for (var at = 0; at < BlockBytes; at += WordBytes)
        {
            var bits = rng.NextUInt64();
            text[at] = (byte)' ';
            text[at + 1] = Letter(bits);
            text[at + 2] = Letter(bits >> 16);
            text[at + 3] = Letter(bits >> 32);
        }
    }

    private static byte Letter(ulong bits) => (byte)('a' + ((bits & 0xFFFF) * Letters >> 16));

    private void Share(SessionStep[] steps, string kind, int blocks)
    {
        var first = steps.OfType<RequestStep>().FirstOrDefault();
        var salt = Hash64.Of(Encoding.UTF8.GetBytes(kind));
        var place = 0;
        foreach (var run in first?.Prompt ?? [])
        {
            for (var i = 0; i < run.Count && place < blocks; i++)
            {
                _shared.TryAdd(run.First + i, Hash64.Combine(salt, (ulong)place++));
            }
        }
    }
}
