namespace Penstock.Wire.Zmtp;

/// <summary>What one peer may make us hold.</summary>
public sealed record ZmtpLimits
{
    public static ZmtpLimits Default { get; } = new();

    /// <summary>Bytes of one message at most, all frames and their heads together. A batch of cache events for a
    /// prompt of 1,000,000 tokens is about 6 MB; one of 128k tokens in pages of one token, with as many pages removed,
    /// is about 20 MB in SGLang's maps.</summary>
    public int MessageBytesMax { get; init; } = 32 * 1024 * 1024;

    /// <summary>For an endpoint that anybody may connect to, as many at a time as there are places.</summary>
    public static ZmtpLimits Bound { get; } = new() { MessageBytesMax = 16 * 1024 * 1024 };

    /// <summary>Frames of one message at most. The messages spoken here have five at most.</summary>
    public int FramesMax { get; init; } = 8;
}
