using Penstock.Core.KvSync;
using Penstock.Core.Primitives;
using Penstock.Wire.MessagePack;

namespace Penstock.Wire.KvEvents;

/// <summary>
/// What vLLM mixes into a block's hash besides its tokens (<c>extra_keys</c>: for each block nil or a list of the
/// adapter's name, identifiers of images, the cache salt in a prompt's first block, hashes of prompt embeddings).
/// </summary>
internal static class ExtraKeys
{
    /// <summary>
    /// Reads the entry of one block. The adapter is known by its own field and is left out; a text that ends the
    /// first block's list is taken as the salt. An image's identifier taken for a salt does no harm: it too keeps that
    /// prompt apart.
    /// </summary>
    /// <returns>A hash of the rest; 0 where nothing is left.</returns>
    public static ulong Read(ref MessagePackReader reader, ref KvEvent e, bool isFirst)
    {
        var entry = reader;
        reader.TrySkip();
        if (entry.Next != MessagePackType.Array || !entry.TryReadArray(out var count))
        {
            return 0;
        }

        var hash = 0UL;
        for (var i = 0; i < count; i++)
        {
            var item = entry;
            var from = entry.Position;
            entry.TrySkip();
            if (item.Next == MessagePackType.Text && item.TryReadText(out var text))
            {
                if (!e.Adapter.IsEmpty && text.SequenceEqual(e.Adapter))
                {
                    continue;
                }

                if (isFirst && i == count - 1 && e.Salt.IsEmpty)
                {
                    e.Salt = text;
                    continue;
                }
            }

            hash = Hash64.Of(entry.Between(from, entry.Position), hash + 1);
        }

        return hash;
    }
}
