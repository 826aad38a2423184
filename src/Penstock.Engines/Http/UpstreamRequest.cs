namespace Penstock.Engines.Http;

/// <summary>A request on its way to an engine. Made by <see cref="UpstreamClient.Post"/>; headers are added, then it is
/// sent once. Not thread-safe.</summary>
public abstract class UpstreamRequest : IDisposable
{
    /// <summary>Adds a header; a value that no header may have (control characters) is left out.</summary>
    public void AddHeader(string name, string value)
    {
        if (value.AsSpan().IndexOfAnyInRange('\0', '\x1f') < 0 || value.Contains('\t', StringComparison.Ordinal))
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
