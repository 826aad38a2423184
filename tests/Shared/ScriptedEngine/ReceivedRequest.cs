using System.Collections.Immutable;
using System.Text;

namespace Penstock.Tests.Shared;

/// <summary>How the answering of one request ended.</summary>
internal enum ExchangeEnd
{
    /// <summary>Every step of the script was done.</summary>
    Completed,

    /// <summary>The peer went away first.</summary>
    PeerGone,

    /// <summary>The engine was disposed of first.</summary>
    Stopped,
}

/// <summary>One request exactly as it came in.</summary>
internal sealed class ReceivedRequest
{
    private readonly TaskCompletionSource<ExchangeEnd> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>From the request line to the empty line, both included, byte for byte.</summary>
    public required byte[] Head { get; init; }

    public required string Method { get; init; }

    /// <summary>Path and query as sent.</summary>
    public required string Target { get; init; }

    /// <summary>Header lines in their order, names as sent.</summary>
    public required ImmutableArray<KeyValuePair<string, string>> Headers { get; init; }

    /// <summary>The body as it was on the wire, chunk framing included.</summary>
    public byte[] RawBody { get; set; } = [];

    /// <summary>The body without its framing.</summary>
    public byte[] Body { get; set; } = [];

    /// <summary>The peer went away in the middle of the body.</summary>
    public bool BodyTruncated { get; set; }

    /// <summary>Which accepted connection it came on, from 1.</summary>
    public required int Connection { get; init; }

    /// <summary>Which request of its connection it is, from 1.</summary>
    public required int OrdinalOnConnection { get; init; }

    /// <summary>Completes when the peer closes or resets the connection.</summary>
    public required Task PeerGone { get; init; }

    /// <summary>Completes when the script has ended, one way or another.</summary>
    public Task<ExchangeEnd> Ended => _ended.Task;

    public string Path => Target.Split('?', 2)[0];

    public string BodyText => Encoding.UTF8.GetString(Body);

    public string HeadText => Encoding.Latin1.GetString(Head);

    /// <summary>The first header of that name, whatever its case; null: none.</summary>
    public string? Header(string name) => Headers
        .Where(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase))
        .Select(h => h.Value)
        .FirstOrDefault();

    public void End(ExchangeEnd end) => _ended.TrySetResult(end);

    public override string ToString() => $"{Method} {Target}";
}
