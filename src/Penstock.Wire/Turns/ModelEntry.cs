namespace Penstock.Wire.Turns;

/// <summary>One model of a model list, in neither dialect.</summary>
/// <param name="Id">The name that clients ask for.</param>
/// <param name="DisplayName">The name that people read.</param>
/// <param name="CreatedAt">When it became available.</param>
/// <param name="MaxInputTokens">Tokens of the context window; null where it is not known.</param>
/// <param name="MaxOutputTokens">Tokens of an answer at most; null where it is not known.</param>
/// <param name="Simulated">True where simulated engines serve it: every list says so.</param>
public sealed record ModelEntry(
    string Id,
    string DisplayName,
    DateTimeOffset CreatedAt,
    long? MaxInputTokens = null,
    long? MaxOutputTokens = null,
    bool Simulated = false);
