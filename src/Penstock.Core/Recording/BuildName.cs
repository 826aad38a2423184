using Penstock.Core.Routing;

namespace Penstock.Core.Recording;

/// <summary>What a decision log calls the program that wrote it.</summary>
/// <remarks>A state in a log is what that build had in memory, member by member: no other can read it.</remarks>
public static class BuildName
{
    /// <summary>The version, and the id that the compiler gave to this assembly: the same for the same sources.
    /// </summary>
    public static string Text { get; } =
        $"penstock {typeof(PoolState).Assembly.GetName().Version} {typeof(PoolState).Module.ModuleVersionId:N}";
}
