using System.Buffers;
using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Penstock.Engines.Http;

namespace Penstock.Gateway.Requests;

/// <summary>
/// Which headers cross the gateway: all of them, both ways, but for those that concern one connection only, the
/// credentials (each side has its own), and the encodings that would keep usage from being read.
/// </summary>
internal static class HeaderForwarding
{
    private static readonly FrozenSet<string> NotToEngine = FrozenSet.ToFrozenSet(
        [
            "accept-encoding", "authorization", "connection", "content-encoding", "content-length", "cookie", "expect",
            "host", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding",
            "traceparent", "tracestate", "upgrade", "x-api-key",
        ],
        StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> NotToClient = FrozenSet.ToFrozenSet(
        [
            "alt-svc", "connection", "content-length", "date", "keep-alive", "proxy-authenticate", "proxy-connection",
            "server", "set-cookie", "trailer", "transfer-encoding", "upgrade",
        ],
        StringComparer.OrdinalIgnoreCase);

    /// <summary>A header's name is a token (RFC 9110 §5.6.2).</summary>
    private static readonly SearchValues<char> NameLetters = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    private static readonly SearchValues<char> Controls = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Where(static c => c != '\t').Select(static c => (char)c), '\x7f']);

    /// <summary>Copies what the client sent, unknown headers included.</summary>
    /// <param name="sameDialect">False: headers of the client's API mean nothing to the engine and stay here.</param>
    public static void ToEngine(IHeaderDictionary from, UpstreamRequest to, bool sameDialect)
    {
        var connection = from.Connection;
        foreach (var (name, values) in from)
        {
            if (NotToEngine.Contains(name) || name.StartsWith(':') || Names(connection, name)
                || (!sameDialect && name.StartsWith("anthropic-", StringComparison.OrdinalIgnoreCase)))
            {
                continue;
            }

            foreach (var value in values)
            {
                to.AddHeader(name, value ?? "");
            }
        }
    }

    /// <summary>Copies what the engine answered, unknown headers included.</summary>
    public static void ToClient(UpstreamAnswer from, IHeaderDictionary to)
    {
        from.VisitHeaders(to, static (to, name, value) =>
        {
            // What is no header by the rules of HTTP would be refused by the server on our side.
            if (!NotToClient.Contains(name) && !name.AsSpan().ContainsAnyExcept(NameLetters)
                && !value.AsSpan().ContainsAny(Controls))
            {
                to[name] = to.TryGetValue(name, out var before) ? StringValues.Concat(before, value) : value;
            }
        });
        if (from.FindHeader("connection") is { } connection)
        {
            foreach (var option in connection.Split(',', StringSplitOptions.TrimEntries))
            {
                to.Remove(option);
            }
        }
    }

    /// <summary>The header <c>connection</c> names another one that is for this connection only.</summary>
    private static bool Names(StringValues connection, string name)
    {
        foreach (var value in connection)
        {
            foreach (var option in value.AsSpan().Split(','))
            {
                if (value.AsSpan()[option].Trim().Equals(name, StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
