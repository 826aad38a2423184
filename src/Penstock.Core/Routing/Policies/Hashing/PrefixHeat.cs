using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Hashing;

/// <summary>
/// How much of the recent requests each prefix carries, in a direct-mapped table of fixed size whose counts are halved
/// every <see cref="Recent"/> requests. Finds how long a prefix must be for not more than its share to have it.
/// </summary>
internal sealed class PrefixHeat
{
    /// <summary>Requests after which counts are halved.</summary>
    public const int Recent = 2_048;

    /// <summary>Requests before which no prefix counts as hot.</summary>
    public const int HotMin = 16;

    private const int Places = 8_192;

    private readonly Place[] _places = new Place[Places];
    private int _total;

    /// <summary>The hash of the shortest prefix, of <paramref name="first"/> blocks or that doubled, that carries no
    /// more than <paramref name="share"/> of the requests; else of the whole prompt. 0 for a prompt without a block.
    /// </summary>
    public ulong Key(ReadOnlySpan<ulong> blocks, int first, double share)
    {
        var length = first;
        while (length < blocks.Length && IsHot(PromptKey.At(blocks, length), share))
        {
            length *= 2;
        }

        return PromptKey.At(blocks, length);
    }

    /// <summary>Counts a request for its prefixes down to the first that is not hot.</summary>
    public void Count(ReadOnlySpan<ulong> blocks, int first, double share)
    {
        if (blocks.IsEmpty)
        {
            return;
        }

        var length = first;
        var hot = true;
        while (hot)
        {
            var hash = PromptKey.At(blocks, length);
            ref var place = ref _places[hash % Places];
            if (place.Prefix == hash)
            {
                place = new Place(hash, place.Count + 1);
            }
            else
            {
                // Another's place is won by asking for it more often than the other does.
                place = place.Count > 1 ? new Place(place.Prefix, place.Count - 1) : new Place(hash, 1);
            }

            hot = length < blocks.Length && IsHot(hash, share);
            length *= 2;
        }

        if (++_total >= Recent)
        {
            Halve();
        }
    }

    public void Save(StateWriter to)
    {
        to.Write(_total);
        to.WriteAll<Place>(_places);
    }

    public void Load(ref StateReader from)
    {
        _total = from.Read<int>();
        from.ReadAll<Place>(_places);
    }

    private bool IsHot(ulong hash, double share)
    {
        ref readonly var place = ref _places[hash % Places];
        return place.Prefix == hash && place.Count >= HotMin && place.Count > share * _total;
    }

    private void Halve()
    {
        _total /= 2;
        for (var i = 0; i < _places.Length; i++)
        {
            _places[i] = _places[i] with { Count = _places[i].Count / 2 };
        }
    }

    private readonly record struct Place(ulong Prefix, int Count);
}
