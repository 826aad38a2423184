using System.Buffers;

namespace Penstock.Engines.Http;

/// <summary>A request on its way to an engine. Made by <see cref="UpstreamClient.Post"/>; headers are added, then it is
/// sent once. Not thread-safe.</summary>
public abstract class UpstreamRequest : IDisposable
{
    /// <summary>What no header value may have: control characters, but for the tab (RFC 9110 §5.5).</summary>
    private static readonly SearchValues<char> Controls = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Where(static c => c != '\t').Select(static c => (char)c), '\x7f']);

    /// <summary>Adds a header; one whose value no header may have is left out.</summary>
    public void AddHeader(string name, string value)
    {
        if (!value.AsSpan().ContainsAny(Controls))
        {
            Add(name, value);
        }
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Add(string name, string value);

    protected virtual void Dispose(bool disposing)
    {
    }
}
