using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// How long answers are, learned per key and class of work: a direct-mapped table of moving averages. Two keys that
/// fall on one place take turns; what is not known there is taken from the pool's own average.
/// </summary>
internal sealed class OutputLengths
{
    private const int Places = 4096;
    private const double Newest = 0.1;
    private const double AtFirst = 200;

    /// <summary>Answers of one key from which on its own average is relied on.</summary>
    private const int Enough = 4;

    private readonly Place[] _places = new Place[Places];
    private double _all = AtFirst;

    /// <summary>Expected tokens of an answer; at least 1, at most <paramref name="max"/> where that is given.</summary>
    public long Expected(ulong key, RequestClass kind, long max)
    {
        ref readonly var place = ref _places[Of(key, kind, out var owner)];
        var expected = place.Owner == owner && place.Count >= Enough ? place.Mean : _all;
        return Math.Max(1, (long)(max > 0 ? Math.Min(expected, max) : expected));
    }

    public void Learn(ulong key, RequestClass kind, long tokens)
    {
        _all += Newest * (tokens - _all);
        ref var place = ref _places[Of(key, kind, out var owner)];
        if (place.Owner != owner)
        {
            place = new Place(owner, 0, 0);
        }

        var weight = Math.Max(Newest, 1.0 / (place.Count + 1));
        place = new Place(owner, place.Mean + (weight * (tokens - place.Mean)), Math.Min(place.Count + 1, Enough));
    }

    public void Save(StateWriter to)
    {
        to.Write(_all);
        to.WriteAll<Place>(_places);
    }

    public void Load(ref StateReader from)
    {
        _all = from.Read<double>();
        from.ReadAll<Place>(_places);
    }

    private static int Of(ulong key, RequestClass kind, out ulong owner)
    {
        owner = Hash64.Combine(key, (ulong)kind + 1);
        return (int)(owner % Places);
    }

    private readonly record struct Place(ulong Owner, double Mean, int Count);
}
