namespace Penstock.Cli.Engine;

/// <summary>Where an engine publishes, with the ports that it got; null where it does not.</summary>
/// <param name="Events">Cache events.</param>
/// <param name="Replay">Missed ones.</param>
/// <param name="Load">Load.</param>
/// <param name="Dropped">Batches that subscribers who are there were too slow for.</param>
public sealed record SimulatedEventAddresses(string? Events, string? Replay, string? Load, long Dropped);
