using System.Text.Json;
using Penstock.Core.KvSync;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.Tests.SimulatedEngine;

/// <summary>What an engine has cached, by its events alone.</summary>
internal sealed class HeardCache
{
    private readonly Dictionary<ulong, int> _copies = [];
    private readonly Dictionary<ulong, (ulong? Parent, uint[] Tokens)> _blocks = [];

    /// <summary>Blocks that the engine said were lost.</summary>
    public int Removed { get; private set; }

    public int BlockTokens { get; private set; }

    public int Rank { get; private set; } = -1;

    public void Apply(byte[] payload)
    {
        Assert.Equal(
            KvBatchStatus.Ok,
            KvBatchReader.Open(payload, new KvEventBuffers(), KvEventLimits.Default, out var batch));
        Rank = batch.Rank;
        while (batch.TryNext(out var e))
        {
            var parent = e.HasParent ? e.Parent : (ulong?)null;
            for (var at = 0; at < e.Hashes.Length; at++)
            {
                var hash = e.Hashes[at];
                var copies = _copies.GetValueOrDefault(hash);
                if (e.Kind == KvEventKind.Stored)
                {
                    BlockTokens = e.BlockTokens;
                    _copies[hash] = copies + 1;
                    _blocks[hash] = (parent, e.Tokens.Slice(at * e.BlockTokens, e.BlockTokens).ToArray());
                    parent = hash;
                }
                else
                {
                    Removed++;
                    _copies[hash] = copies - 1;
                    if (copies <= 1)
                    {
                        _copies.Remove(hash);
                    }
                }
            }

            if (e.Kind == KvEventKind.Cleared)
            {
                _copies.Clear();
            }
        }

        Assert.Equal((0, 0), (batch.Unknown, batch.Broken));
    }

    /// <summary>Tokens of a prompt that the engine will find: at most all but the last one.</summary>
    public int Match(JsonElement tokens)
    {
        var prompt = tokens.EnumerateArray().Select(token => token.GetUInt32()).ToArray();
        ulong? parent = null;
        var found = 0;
        while (BlockTokens > 0 && found + BlockTokens < prompt.Length)
        {
            var next = _copies.Keys.Select(hash => (ulong?)hash).FirstOrDefault(hash =>
                _blocks[hash!.Value].Parent == parent
                && _blocks[hash.Value].Tokens.AsSpan().SequenceEqual(prompt.AsSpan(found, BlockTokens)));
            if (next is null)
            {
                break;
            }

            parent = next;
            found += BlockTokens;
        }

        return found;
    }
}
