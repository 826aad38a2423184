using System.Text.Json;
using System.Text.Unicode;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;

namespace Penstock.Wire.Turns;

/// <summary>The first fault found while a body is read. Reading goes on after it; the result is thrown away.</summary>
internal sealed class BodyFaults(Dialect dialect, FailureKind kind)
{
    public Failure? First { get; private set; }

    public Dialect Dialect => dialect;

    public void Add(FieldPath path, string message, FailureKind? as_ = null)
    {
        var where = path.In(dialect);
        First ??= where.Length == 0
            ? new Failure(as_ ?? kind, message)
            : new Failure(as_ ?? kind, $"{where}: {message}", where);
    }
}

/// <summary>
/// The edge between bytes and <see cref="JsonDocument"/>: whatever is wrong with the bytes is a value here.
/// </summary>
internal static class BodyReading
{
    /// <summary>Levels of nesting in a body at most.</summary>
    public const int DepthMax = 200;

    private const int MessageCharsMax = 300;

    /// <summary>
    /// Reads a client's request; duplicate keys are refused, for two readers could take different ones.
    /// </summary>
    public static T? Request<T>(ReadOnlyMemory<byte> body, Dialect dialect, Func<Field, T> read, out Failure? failure)
        where T : class =>
        Read(body, new BodyFaults(dialect, FailureKind.InvalidRequest), false, read, out failure);

    /// <summary>Reads an engine's answer; a fault is the engine's.</summary>
    public static T? Answer<T>(ReadOnlyMemory<byte> body, Dialect dialect, Func<Field, T> read, out Failure? failure)
        where T : class =>
        Read(body, new BodyFaults(dialect, FailureKind.EngineFailed), true, read, out failure);

    private static T? Read<T>(
        ReadOnlyMemory<byte> body, BodyFaults faults, bool duplicates, Func<Field, T> read, out Failure? failure)
        where T : class
    {
        T? value = null;
        try
        {
            if (Utf8.IsValid(body.Span))
            {
                var options = new JsonDocumentOptions { MaxDepth = DepthMax, AllowDuplicateProperties = duplicates };
                using var document = JsonDocument.Parse(body, options);
                value = read(new Field(document.RootElement, FieldPath.Root, faults));
            }
            else
            {
                faults.Add(FieldPath.Root, "the body is not valid UTF-8");
            }
        }
        catch (JsonException e)
        {
            faults.Add(FieldPath.Root, $"the body is not valid JSON: {Cut(e.Message)}");
        }
        catch (InvalidOperationException)
        {
            // What the JSON reader throws for an escape that stands for half a surrogate pair.
            faults.Add(FieldPath.Root, "the body is not valid JSON: a surrogate stands without its pair");
        }

        failure = faults.First;
        return failure is null ? value : null;
    }

    private static string Cut(string message) =>
        message.Length <= MessageCharsMax ? message : message[..MessageCharsMax];
}
