namespace Penstock.Cli.Engine;

/// <summary>The kind of engine that a simulated one plays: its status pages, its cache and its events.</summary>
public enum SimulatedEngineKind
{
    Vllm,
    Sglang,
    Trtllm,
    LlamaCpp,
}
