namespace Penstock.Tests.Shared.Personalities;

/// <summary>What a scripted engine is and how it fares just now. Change it while the engine serves.</summary>
internal sealed class EngineFacts
{
    public string Model { get; set; } = "test-model";

    public string Version { get; set; } = "1.2.3";

    public string? OwnedBy { get; set; }

    /// <summary>The credential that it wants; null: none.</summary>
    public string? Key { get; set; }

    public long ContextTokens { get; set; } = 32_768;

    public bool Healthy { get; set; } = true;

    public int Running { get; set; }

    public int Waiting { get; set; }

    public double KvUsage { get; set; }

    public string Answer { get; set; } = "Hello there";
}
