namespace Penstock.Gateway.Requests;

/// <summary>
/// Retries as a share of traffic: every request adds a fraction of a retry, every retry takes a whole one, and a small
/// reserve lets a quiet gateway retry too. When all replicas fail, retries stay that share instead of multiplying the
/// load. Thread-safe.
/// </summary>
internal sealed class RetryBudget
{
    private const long Unit = 1000;
    private const long Reserve = 10 * Unit;

    private long _saved = Reserve;

    /// <summary>A request came.</summary>
    /// <param name="share">Retries allowed per request, such as 0.1.</param>
    public void Earn(double share)
    {
        var earned = (long)(share * Unit);
        if (Volatile.Read(ref _saved) < Reserve * 10)
        {
            Interlocked.Add(ref _saved, earned);
        }
    }

    /// <summary>A retry that was taken and not made.</summary>
    public void GiveBack() => Interlocked.Add(ref _saved, Unit);

    /// <summary>Takes one retry; false where none is left.</summary>
    public bool TrySpend()
    {
        while (true)
        {
            var saved = Volatile.Read(ref _saved);
            if (saved < Unit)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _saved, saved - Unit, saved) == saved)
            {
                return true;
            }
        }
    }
}
