using Penstock.Wire.ModelLists;

namespace Penstock.Wire.Vllm;

/// <summary>The answer of <c>GET /version</c>: <c>{"version":"0.24.0"}</c>.</summary>
public static class VllmVersion
{
    private const int CharsMax = 100;

    /// <summary>The version, or null where the body says none.</summary>
    public static string? Parse(ReadOnlyMemory<byte> body)
    {
        using var document = LenientJson.TryParse(body);
        return document?.RootElement.Text("version") is { Length: > 0 and <= CharsMax } version ? version : null;
    }
}
