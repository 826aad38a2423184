namespace Penstock.Engines;

/// <summary>Where one engine is reached and with which credential. Immutable.</summary>
public sealed class EngineEndpoint
{
    private readonly string _root;

    /// <param name="url">Scheme, host, port and, where the engine is mounted below one, a path. A trailing
    /// <c>/v1</c>, as people copy it from SDK settings, is dropped.</param>
    /// <param name="key">The credential that the engine wants; null where it wants none. Never logged.</param>
    /// <exception cref="ArgumentException">No absolute http or https URL.</exception>
    public EngineEndpoint(Uri url, string? key = null)
    {
        ArgumentNullException.ThrowIfNull(url);
        if (!url.IsAbsoluteUri || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps))
        {
            throw new ArgumentException("an engine is reached by an absolute http or https URL", nameof(url));
        }

        var path = url.AbsolutePath.TrimEnd('/');
        path = path.EndsWith("/v1", StringComparison.Ordinal) ? path[..^3] : path;
        _root = url.GetLeftPart(UriPartial.Authority) + path;
        Url = new Uri(_root);
        Key = string.IsNullOrEmpty(key) ? null : key;
    }

    /// <summary>The root below which the engine's paths begin.</summary>
    public Uri Url { get; }

    public string? Key { get; }

    /// <summary>The address of <paramref name="path"/>, which begins with a slash and may carry a query.</summary>
    public Uri Resolve(string path) => new(_root + path);

    public override string ToString() => _root;
}
