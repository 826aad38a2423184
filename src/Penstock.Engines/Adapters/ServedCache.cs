namespace Penstock.Engines.Adapters;

/// <summary>From what an engine claims about its cache to numbers that a mirror may be built from.</summary>
internal static class ServedCache
{
    /// <summary>No engine has larger blocks; what claims more is a mistake or a lie, and as if not told.</summary>
    public const int BlockTokensMax = 1 << 20;

    private const int CountMax = 1 << 20;

    public static int Block(long? tokens) => tokens is > 0 and <= BlockTokensMax ? (int)tokens : 0;

    /// <summary>Slots or ranks.</summary>
    public static int Few(long? count) => count is > 0 and <= CountMax ? (int)count : 0;
}
