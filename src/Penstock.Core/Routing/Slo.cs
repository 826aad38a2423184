namespace Penstock.Core.Routing;

/// <summary>The objectives of one request: how soon the tokens of its answer are to come. None is set by default.
/// </summary>
/// <param name="FirstToken">Seconds from the decision to the first token at most; 0 for no such objective.</param>
/// <param name="PerToken">Seconds for each token after it at most, in the mean; 0 for no such objective.</param>
public readonly record struct Slo(double FirstToken, double PerToken)
{
    /// <summary>There is an objective.</summary>
    public bool IsSet => FirstToken > 0 || PerToken > 0;

    /// <summary>The first token is expected too late.</summary>
    public bool MissesFirstToken(TokenTimes expected) => FirstToken > 0 && expected.First > FirstToken;

    /// <summary>The tokens after it are expected too slowly.</summary>
    public bool MissesPerToken(TokenTimes expected) => PerToken > 0 && expected.Each > PerToken;

    /// <summary>No objective is expected to be missed.</summary>
    public bool IsMetBy(TokenTimes expected) => !MissesFirstToken(expected) && !MissesPerToken(expected);
}

/// <summary>When the tokens of an answer are expected at a replica; in seconds, NaN where that is not known.</summary>
/// <param name="First">From the decision to the first token.</param>
/// <param name="Each">For each token after it.</param>
public readonly record struct TokenTimes(double First, double Each);
