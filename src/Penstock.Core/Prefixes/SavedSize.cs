namespace Penstock.Core.Prefixes;

/// <summary>How much an engine keeps in the host's memory of what lost its sequence: as told, or as learned from what
/// was found there.</summary>
/// <remarks>
/// With D the tokens saved since a content was, its own included: one that is found shows room for D at least, one that
/// is lost for less. That anything is kept is believed once contents were found several times in a row, for a sequence
/// that was not overwritten after all looks the same; and no longer once they are missed as often.
/// </remarks>
internal struct SavedSize
{
    /// <summary>Times in a row that are enough.</summary>
    private const int Enough = 3;

    /// <summary>Tokens by which what is found may miss.</summary>
    private const int Tolerance = 128;

    private const long Unbounded = long.MaxValue / 4;

    /// <summary>What was told; 0 where nobody did.</summary>
    public long Told;

    /// <summary>What was learned; 0 before anything was.</summary>
    private long _learned;

    /// <summary>The largest D at which something was found, of late.</summary>
    private long _reach;

    /// <summary>Times that something was found less those that it was not, as far as they count.</summary>
    private int _score;

    private bool _isFound;

    /// <summary>Tokens that are kept at most.</summary>
    public readonly long Max => Told > 0 ? Told : _learned > 0 ? _learned : Unbounded;

    public readonly bool IsBelieved => Told > 0 || _isFound;

    /// <summary>A request found so many tokens that might have had what lay here.</summary>
    public void Learn(in PrefixClaim claim, long reported)
    {
        if (Told > 0)
        {
            return;
        }

        if (reported > Math.Max(claim.Saved, claim.There) + (2 * Tolerance))
        {
            _learned += _learned > 0 ? (_learned / 20) + 1 : 0;
        }
        else if (claim.Saved - claim.There >= 2 * Tolerance && reported >= claim.Saved - Tolerance)
        {
            _score = Math.Min(_score + 1, 2 * Enough);
            _isFound |= _score >= Enough;
            _reach = Math.Max(claim.SavedDistance, _reach - (_reach / 1_000));
        }
        else if (claim.Saved - claim.There >= 2 * Tolerance && reported <= claim.There + Tolerance)
        {
            Miss(claim.SavedDistance);
        }
    }

    private void Miss(long distance)
    {
        var isExplained = distance > _reach;
        _score -= !_isFound || !isExplained ? Enough : 1;
        if (isExplained)
        {
            _learned = Math.Max(1, Math.Min(Max, distance - 1));
        }

        if (_score <= 0)
        {
            _isFound = false;
            _score = 0;
            _reach = 0;
        }
    }
}
