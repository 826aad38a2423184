namespace Penstock.Engines.Http;

/// <summary>How far an exchange with an engine came before it failed.</summary>
public enum UpstreamFault
{
    /// <summary>No connection could be made: the engine has seen nothing.</summary>
    NotConnected,

    /// <summary>The connection broke, or what came was no HTTP: the engine may have seen the request.</summary>
    Broken,
}

/// <summary>
/// An exchange with an engine failed at the connection. What an engine answers is never an exception.
/// </summary>
public sealed class UpstreamException(UpstreamFault fault, string message, Exception? cause = null)
    : IOException(message, cause)
{
    public UpstreamFault Fault { get; } = fault;
}
