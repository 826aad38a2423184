namespace Penstock.Engines;

/// <summary>What an engine was found to be able to do.</summary>
[Flags]
public enum EngineCapabilities
{
    None = 0,

    /// <summary>Speaks <c>POST /v1/messages</c> itself.</summary>
    NativeMessages = 1,

    /// <summary>Speaks <c>POST /v1/chat/completions</c> itself.</summary>
    NativeChat = 2,

    /// <summary>Speaks <c>POST /v1/messages/count_tokens</c>.</summary>
    CountTokens = 4,

    /// <summary>Speaks <c>POST /tokenize</c>.</summary>
    Tokenize = 8,

    /// <summary>Known to report cached prompt tokens in its usage. Where this is missing it may still do so.</summary>
    CachedTokensInUsage = 16,

    /// <summary>Has a metrics page that tells running and waiting requests.</summary>
    Metrics = 32,

    /// <summary>Has an endpoint of its own for load, cheaper than the metrics page.</summary>
    LoadEndpoint = 64,

    /// <summary>Takes a priority in the request body.</summary>
    Priority = 128,
}

/// <summary>An operation that a request may ask of an engine.</summary>
public enum EngineOperation
{
    Messages,
    ChatCompletions,
    CountTokens,
    Tokenize,
    ListModels,
}
