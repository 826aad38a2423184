namespace Penstock.Core.Models;

/// <summary>The API a client speaks or an engine understands for one call.</summary>
public enum Dialect
{
    /// <summary>Anthropic Messages: <c>POST /v1/messages</c>.</summary>
    Anthropic,

    /// <summary>OpenAI chat completions: <c>POST /v1/chat/completions</c>.</summary>
    OpenAiChat,
}
