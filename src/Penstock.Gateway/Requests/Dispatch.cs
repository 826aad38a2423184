using Penstock.Core.Outcomes;
using Penstock.Engines;
using Penstock.Engines.Http;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Requests;

/// <summary>
/// Carries one attempt out: opens it in the journal, sends the request to the chosen replica, and hands the answer to
/// the relay that fits. Returns null once the client has its answer.
/// </summary>
internal sealed class Dispatch(Routing routing, Settlement settlement, Relays relays, TimeProvider time)
{
    /// <summary>Takes a place at a replica for the next attempt; false where there is none.</summary>
    public bool TryRoute(Exchange x) => routing.TryRoute(x);

    public async Task<AttemptFailure?> RunAsync(Exchange x)
    {
        var replica = x.Attempt.Replica;
        var identity = replica.Identity;
        if (identity is null || Replica.DialectFor(identity, x.Dialect) is not { } dialect)
        {
            // Recognised anew since it was chosen. It says nothing about its health.
            settlement.Close(x, AttemptOutcome.NotReached);
            return new AttemptFailure(Overload.NoReplica(x.Model), Elsewhere: true);
        }

        if (x.Operation == Operation.CountTokens && !TokenCounting.CanAsk(x, identity))
        {
            await TokenCounting.EstimateAsync(x);
            settlement.Close(x, AttemptOutcome.NotReached);
            return null;
        }

        var prepared = UpstreamRequests.Prepare(x, identity, dialect, out var refusal);
        if (prepared is null)
        {
            settlement.Close(x, AttemptOutcome.NotReached);
            return new AttemptFailure(refusal!);
        }

        if (!settlement.TryAdmit(x))
        {
            settlement.Close(x, AttemptOutcome.NotReached);
            return new AttemptFailure(Overload.JournalFull());
        }

        using var request = prepared.Request;
        return await SendAsync(x, prepared, identity);
    }

    private async Task<AttemptFailure?> SendAsync(Exchange x, PreparedRequest prepared, EngineIdentity identity)
    {
        var timeouts = x.Attempt.Pool.Snapshot.Timeouts;
        var sentAt = time.GetTimestamp();
        x.Rearm();
        x.Allow(
            x.Scan.Stream ? timeouts.FirstByte : timeouts.NonStreaming, sentAt, time.TimestampFrequency);
        UpstreamAnswer answer;
        try
        {
            answer = await x.Attempt.Replica.Client.SendAsync(prepared.Request, prepared.Body, x.Upstream.Token);
        }
        catch (UpstreamException e)
        {
            return e.Fault == UpstreamFault.NotConnected
                ? Unreachable(x)
                : Give(x, EngineVerdict.Broken, "the engine broke off before its answer", AttemptOutcome.EngineFailed);
        }
        catch (OperationCanceledException) when (x.Expired)
        {
            return Give(x, EngineVerdict.Silent, "the engine did not answer in time", AttemptOutcome.EngineTimeout);
        }

        using (answer)
        {
            x.Attempt.Status = answer.Status;
            x.EngineTicks += time.GetTimestamp() - sentAt;
            return answer.Status >= 300
                ? await relays.Refusal.RelayAsync(x, answer, identity, prepared.Dialect)
                : await relays.RelayAsync(x, answer, prepared);
        }
    }

    /// <summary>Nobody is there, which to the client is a lack of room and not a broken answer.</summary>
    private AttemptFailure Unreachable(Exchange x)
    {
        settlement.Close(x, AttemptOutcome.NotReached);
        return EngineFailures.From(x, EngineVerdict.Unreachable, "") with { Failure = Overload.NoReplica(x.Model) };
    }

    private AttemptFailure Give(Exchange x, EngineVerdict verdict, string message, AttemptOutcome outcome)
    {
        settlement.Close(x, outcome);
        return EngineFailures.From(x, verdict, message);
    }
}

/// <summary>Turns what an engine did into what the next stage does about it.</summary>
internal static class EngineFailures
{
    public static AttemptFailure From(Exchange x, EngineVerdict verdict, string message)
    {
        if (verdict.Evidence is { } evidence && !x.ClientGone)
        {
            x.Attempt.Replica.Observe(evidence);
        }

        return new AttemptFailure(
            new Failure(verdict.Kind ?? FailureKind.EngineFailed, message), verdict.RetryElsewhere);
    }
}
