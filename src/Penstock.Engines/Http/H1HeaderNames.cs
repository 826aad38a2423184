using System.Text;

namespace Penstock.Engines.Http;

/// <summary>
/// The texts of header names that engines send in every answer, so that they are not made anew each time.
/// </summary>
internal static class H1HeaderNames
{
    private static readonly string[] Known =
    [
        "date", "server", "content-type", "content-length", "connection", "transfer-encoding", "cache-control",
        "keep-alive", "request-id", "x-request-id", "access-control-allow-origin", "vary",
    ];

    public static string Text(ReadOnlySpan<byte> name)
    {
        foreach (var known in Known)
        {
            if (known.Length == name.Length && Ascii.EqualsIgnoreCase(name, known))
            {
                return known;
            }
        }

        return Encoding.Latin1.GetString(name);
    }
}
