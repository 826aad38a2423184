using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies;

/// <summary>
/// An amount per replica over a sliding window, in twelve slices: what leaves the window leaves by the slice. Nothing
/// is allocated after the first use.
/// </summary>
internal sealed class WindowCounts(TimeSpan window)
{
    private const int Slices = 12;

    private readonly long _sliceNanoseconds = window.Ticks * 100 / Slices;
    private long[] _slices = [];
    private long[] _totals = [];
    private long _newest;

    /// <summary>The sum over all replicas.</summary>
    public long Sum { get; private set; }

    /// <summary>The amount of one replica, as of the last <see cref="Advance"/>.</summary>
    public long Of(int replica) => (uint)replica < (uint)_totals.Length ? _totals[replica] : 0;

    public void Add(int replica, int replicas, long amount, Instant at)
    {
        if (_totals.Length == 0)
        {
            _totals = new long[replicas];
            _slices = new long[Slices * replicas];
        }

        Advance(at);
        _slices[((int)(_newest % Slices) * _totals.Length) + replica] += amount;
        _totals[replica] += amount;
        Sum += amount;
    }

    /// <summary>The replica is gone, and its slot can be another's.</summary>
    public void Forget(int replica)
    {
        if (_totals.Length == 0)
        {
            return;
        }

        Sum -= _totals[replica];
        _totals[replica] = 0;
        for (var slice = 0; slice < Slices; slice++)
        {
            _slices[(slice * _totals.Length) + replica] = 0;
        }
    }

    /// <summary>Lets go of what is older than the window. An instant before the newest one changes nothing.</summary>
    public void Advance(Instant at)
    {
        var slice = at.Nanoseconds / _sliceNanoseconds;
        if (slice <= _newest)
        {
            return;
        }

        for (var old = Math.Max(_newest + 1, slice - Slices + 1); old <= slice; old++)
        {
            var amounts = _slices.AsSpan((int)(old % Slices) * _totals.Length, _totals.Length);
            for (var replica = 0; replica < amounts.Length; replica++)
            {
                _totals[replica] -= amounts[replica];
                Sum -= amounts[replica];
            }

            amounts.Clear();
        }

        _newest = slice;
    }

    public void Save(StateWriter to)
    {
        to.Write(_newest);
        to.Write(Sum);
        to.Write(_totals.Length);
        to.WriteAll<long>(_totals);
        to.WriteAll<long>(_slices);
    }

    public void Load(ref StateReader from)
    {
        _newest = from.Read<long>();
        Sum = from.Read<long>();
        var replicas = from.Read<int>();
        _totals = new long[PolicyState.Checked(replicas)];
        _slices = new long[Slices * replicas];
        from.ReadAll<long>(_totals);
        from.ReadAll<long>(_slices);
    }
}
