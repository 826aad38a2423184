namespace Penstock.Tests.Shared.Personalities;

/// <summary>A scripted engine that behaves like a real kind of engine until a test tells it otherwise.</summary>
/// <param name="Name">The name of the adapter that ought to recognise it.</param>
/// <param name="Install">Sets the routes.</param>
internal sealed record Personality(string Name, Action<ScriptedEngine, EngineFacts> Install)
{
    public static Personality Vllm { get; } = new("vllm", VllmPersonality.Install);

    public static Personality Sglang { get; } = new("sglang", SglangPersonality.Install);

    public static Personality Trtllm { get; } = new("trtllm", TrtllmPersonality.Install);

    public static Personality LlamaCpp { get; } = new("llamacpp", LlamaCppPersonality.Install);

    public static Personality OpenAi { get; } = new("openai", OpenAiPersonality.Install);

    public static Personality Anthropic { get; } = new("anthropic", AnthropicPersonality.Install);

    public static IReadOnlyList<Personality> All { get; } = [Vllm, Sglang, Trtllm, LlamaCpp, OpenAi, Anthropic];

    /// <summary>An engine of this kind, on a port of its own.</summary>
    public ScriptedEngine Start(EngineFacts? facts = null)
    {
        var engine = new ScriptedEngine();
        Install(engine, facts ?? new EngineFacts());
        return engine;
    }

    public override string ToString() => Name;
}
