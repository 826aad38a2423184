namespace Penstock.Engines.Probing;

/// <summary>How a side call to an engine ended.</summary>
public enum AnswerEnd
{
    /// <summary>A whole answer, whatever its status.</summary>
    Answered,

    /// <summary>No connection, or one that ended before a byte came.</summary>
    ConnectFailed,

    /// <summary>The deadline passed first.</summary>
    TimedOut,

    /// <summary>An answer larger than allowed, cut short, or not HTTP.</summary>
    Broken,

    /// <summary>The TLS handshake failed.</summary>
    TlsFailed,
}

/// <summary>What an engine answered to a side call (probe, health, load): a value, whatever happened.</summary>
public sealed record EngineAnswer(AnswerEnd End, int Status, ReadOnlyMemory<byte> Body)
{
    /// <summary>What went wrong, in the words of the runtime; null: nothing.</summary>
    public string? Detail { get; init; }

    /// <summary>A whole answer with status 200.</summary>
    public bool IsOk => End == AnswerEnd.Answered && Status == 200;

    /// <summary>The body of a 200, or nothing: every parser says no to that.</summary>
    public ReadOnlyMemory<byte> OkBody => IsOk ? Body : default;

    /// <summary>The answer looks like a web page, as captive portals and wrong ports give.</summary>
    public bool IsWebPage => Body.Span.TrimStart(" \t\r\n"u8).StartsWith("<"u8);

    public static EngineAnswer Failed(AnswerEnd end, string? detail = null) => new(end, 0, default) { Detail = detail };
}
