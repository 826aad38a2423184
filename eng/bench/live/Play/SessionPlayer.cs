using System.Globalization;
using System.Text;
using Penstock.Core.Primitives;
using Penstock.LiveBench.Fleet;
using Penstock.LiveBench.Sessions;

namespace Penstock.LiveBench.Play;

/// <summary>
/// Plays sessions against one gateway as Claude Code does: one request at a time, the next a pause after the answer.
/// </summary>
internal sealed class SessionPlayer(HttpClient http, PlayPlan plan, PlayRecord record)
{
    private readonly double _scale = plan.Settings.TimeScale;

    /// <summary>Plays a session from one of its requests on, its sub-agents included, to its end.</summary>
    public async Task PlayAsync(Session session, int from, CancellationToken stop)
    {
        var texts = new BlockTexts(session);
        var caller = Caller.Of(session.Number);
        await PlayAsync(session.Steps.AsMemory(from), new Transcript(texts, session.SharedBlocks), caller, texts, stop);
    }

    private async Task PlayAsync(
        ReadOnlyMemory<SessionStep> steps, Transcript transcript, Caller caller, BlockTexts texts,
        CancellationToken stop)
    {
        record.Begins(transcript);
        var agents = new List<Task>();
        AnswerReader? last = null;
        var isFirst = true;
        for (var i = 0; i < steps.Length; i++)
        {
            var step = steps.Span[i];
            if (step is SubagentStep agent)
            {
                var own = new Transcript(texts, agent.SharedBlocks);
                agents.Add(PlayAgentAsync(agent, own, caller with { Agent = agents.Count + 1 }, texts, stop));
                continue;
            }

            // The pause before the first request belongs to what was not played.
            await PauseAsync(isFirst ? 0 : step.PauseSeconds, stop);
            isFirst = false;
            var request = (RequestStep)step;
            transcript.Become(request, last is null ? default : last.Text, last?.OutputTokens ?? 0);
            last = await AskAsync(request, transcript, caller, stop);
        }

        record.Ends(transcript);
        await Task.WhenAll(agents);
    }

    private async Task PlayAgentAsync(
        SubagentStep agent, Transcript transcript, Caller caller, BlockTexts texts, CancellationToken stop)
    {
        await PauseAsync(agent.PauseSeconds, stop);
        await PlayAsync(agent.Steps, transcript, caller, texts, stop);
    }

    /// <summary>Sends one request; null where no answer came.</summary>
    private async Task<AnswerReader?> AskAsync(
        RequestStep step, Transcript transcript, Caller caller, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(plan.Gateway, "/v1/messages"))
        {
            Content = new PromptContent(caller.Fields(step.OutputTokens), transcript),
        };
        request.Headers.Add("x-api-key", plan.Key);
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Headers.Add("x-claude-code-session-id", caller.Session);
        if (caller.Agent > 0)
        {
            request.Headers.Add("x-claude-code-agent-id", caller.AgentId);
        }

        var sent = record.Sends(transcript);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
            if (!response.IsSuccessStatusCode)
            {
                var text = await response.Content.ReadAsStringAsync(stop);
                record.Fails(sent, $"{(int)response.StatusCode}: {text}");
                return null;
            }

            var answer = new AnswerReader();
            await answer.ReadAsync(await response.Content.ReadAsStreamAsync(stop), stop);
            if (!answer.Complete || answer.FirstAt == 0)
            {
                record.Fails(sent, answer.Error ?? "the answer ended early");
                return null;
            }

            var decision = response.Headers.TryGetValues("penstock-decision-id", out var ids) ? ids.First() : null;
            record.Answers(sent, answer, decision);
            return answer;
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            record.Fails(sent, failure.Message);
            return null;
        }
    }

    private Task PauseAsync(double virtualSeconds, CancellationToken stop) =>
        Task.Delay(TimeSpan.FromSeconds(virtualSeconds / _scale), stop);

    /// <summary>Who asks, as Claude Code says it.</summary>
    private sealed record Caller(string Session, string User, int Agent)
    {
        public string AgentId => string.Create(CultureInfo.InvariantCulture, $"agent-{Agent}");

        public static Caller Of(int session)
        {
            var id = new Guid(session, 0x4c, 0x4c, 0, 0, 0, 0, 0, 0, 0, 1).ToString();
            var user = Hash64.Combine(2, (ulong)session).ToString("x16", CultureInfo.InvariantCulture);
            return new Caller(id, user, 0);
        }

        /// <summary>The fields before the prompt. The answer gets exactly the length that the trace has.</summary>
        public byte[] Fields(int outputTokens) => Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $$$"""
            {"model":"{{{EngineFleet.Model}}}","max_tokens":{{{outputTokens}}},"ignore_eos":true,"stream":true,
            "metadata":{"user_id":"user_{{{User}}}_account__session_{{{Session}}}"},
            """));
    }
}
