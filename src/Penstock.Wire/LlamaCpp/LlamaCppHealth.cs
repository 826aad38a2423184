using Penstock.Wire.ModelLists;

namespace Penstock.Wire.LlamaCpp;

/// <summary>
/// The body of llama-server's <c>GET /health</c>: <c>{"status":"ok"}</c>. Older builds answer 200 with other words
/// (<c>loading model</c>, <c>error</c>, <c>no slot available</c>) where newer ones answer 503.
/// </summary>
public static class LlamaCppHealth
{
    /// <summary>True where the body says that the engine can work, be it busy or not.</summary>
    public static bool IsWell(ReadOnlyMemory<byte> body)
    {
        using var document = LenientJson.TryParse(body);
        return document?.RootElement.Text("status") is "ok" or "no slot available";
    }
}
