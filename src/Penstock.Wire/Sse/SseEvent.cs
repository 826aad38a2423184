namespace Penstock.Wire.Sse;

/// <summary>One event as it stands in the reader's buffer. Valid until the next call on that reader.</summary>
public readonly ref struct SseEvent
{
    internal SseEvent(ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        Name = name;
        Data = data;
    }

    /// <summary>The value of the last <c>event:</c> line; empty where there was none.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>The values of all <c>data:</c> lines, joined with a line feed.</summary>
    public ReadOnlySpan<byte> Data { get; }
}
