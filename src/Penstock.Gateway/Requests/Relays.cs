using Penstock.Engines.Http;
using Penstock.Gateway.Requests.Relaying;

namespace Penstock.Gateway.Requests;

/// <summary>The ways in which an engine's answer reaches the client.</summary>
internal sealed record Relays(StreamRelay Stream, AnswerRelay Answer, RefusalRelay Refusal)
{
    /// <summary>Relays a successful answer by what it is, not by what was asked for.</summary>
    public Task<AttemptFailure?> RelayAsync(Exchange x, UpstreamAnswer answer, PreparedRequest prepared) =>
        answer.IsEventStream
            ? Stream.RelayAsync(x, answer, prepared)
            : Answer.RelayAsync(x, answer, prepared);
}
