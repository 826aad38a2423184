using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>Base64 data URIs (RFC 2397): <c>data:image/png;base64,…</c>.</summary>
internal static class DataUri
{
    /// <summary>The source that the URI stands for, or null where it is not a base64 data URI.</summary>
    public static MediaSource? Read(string uri)
    {
        if (!uri.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var comma = uri.IndexOf(',', StringComparison.Ordinal);
        if (comma < 0 || !uri.AsSpan(0, comma).EndsWith(";base64", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var type = uri[5..comma];
        var end = type.IndexOf(';', StringComparison.Ordinal);
        return new MediaSource(MediaSourceKind.Base64, uri[(comma + 1)..], type[..end]);
    }

    public static string Write(MediaSource source) =>
        $"data:{source.MediaType ?? "application/octet-stream"};base64,{source.Value}";
}
