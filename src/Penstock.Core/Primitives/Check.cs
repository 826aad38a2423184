using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Penstock.Core.Primitives;

/// <summary>
/// Invariants that stay on in Release. In the gateway a broken one fails the request at hand and is counted; in the
/// simulator it fails the run.
/// </summary>
public static class Check
{
    /// <exception cref="InvariantException">The condition does not hold.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void That(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition)
        {
            Fail(expression);
        }
    }

    [DoesNotReturn]
    private static void Fail(string expression) => throw new InvariantException(expression);
}

/// <summary>A statement that the code relies on turned out false: a bug in Penstock, never the caller's fault.
/// </summary>
public sealed class InvariantException(string expression) : Exception($"invariant broken: {expression}");
