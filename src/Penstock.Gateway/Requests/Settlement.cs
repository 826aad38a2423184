using Penstock.Core.Metering;
using Penstock.Core.Outcomes;
using Penstock.Core.Prefixes;
using Penstock.Core.Routing;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Requests;

/// <summary>
/// Opens every attempt in the journal before a byte goes to an engine, and ends it once: the place at the replica is
/// given back, the usage priced and written, the record completed. Whatever happens in between, the last call finds
/// the attempt closed or closes it.
/// </summary>
internal sealed class Settlement(UsageJournal journal, TimeProvider time)
{
    /// <summary>Notes the attempt in the journal; false where the journal has no room.</summary>
    public bool TryAdmit(Exchange x)
    {
        if (x.Operation != Operation.Generate)
        {
            return true;
        }

        var attempt = x.Attempt;
        attempt.Admitted = journal.Admit(new AdmissionRecord
        {
            Key = new AttemptKey(x.Id, x.Attempts),
            At = x.StartedUtc,
            KeyId = x.Key.Id,
            Org = x.Key.Org,
            Workspace = x.Key.Workspace,
            Model = x.Model.Id,
            Pool = attempt.Pool.Snapshot.Name,
            Replica = attempt.Replica.Name,
            Dialect = x.Dialect,
            Stream = x.Scan.Stream,
            PromptTokensEstimate = attempt.Decision.PromptTokens,
            OutputTokensMax = Math.Max(0, x.Scan.MaxTokens),
        }).Accepted;
        return attempt.Admitted;
    }

    /// <summary>Ends the attempt under way. Does nothing where it has ended.</summary>
    public void Close(Exchange x, AttemptOutcome outcome)
    {
        var attempt = x.Attempt;
        if (!attempt.Open)
        {
            return;
        }

        attempt.Close();
        if (!attempt.UsageKnown)
        {
            attempt.Usage = Estimate(attempt, outcome);
        }

        Release(x, attempt, outcome);
        if (outcome == AttemptOutcome.Completed)
        {
            attempt.Replica.Succeeded();
        }

        if (attempt.Admitted)
        {
            Write(x, attempt, outcome);
        }

        Complete(x, attempt, outcome);
    }

    /// <summary>Ends what is still open when the request is over.</summary>
    public void CloseOpenAttempt(Exchange x, Failure? failure)
    {
        if (x.Attempt.Open)
        {
            Close(x, failure?.Kind switch
            {
                FailureKind.ClientClosed => AttemptOutcome.ClientGone,
                FailureKind.EngineFailed => AttemptOutcome.EngineFailed,
                FailureKind.EngineTimeout => AttemptOutcome.EngineTimeout,
                null => AttemptOutcome.Completed,
                _ => AttemptOutcome.Aborted,
            });
        }
        else if (x.Record is { Outcome: DecisionRecord.InFlight } record)
        {
            // No attempt was made: there was no replica to make one at.
            record.Outcome = "no_replica";
            record.Total = time.GetElapsedTime(x.StartedAt);
        }
    }

    private static void Release(Exchange x, AttemptInFlight attempt, AttemptOutcome outcome)
    {
        var usage = attempt.Usage;
        var end = outcome switch
        {
            AttemptOutcome.Completed => RouteEnd.Completed,
            AttemptOutcome.ClientGone => RouteEnd.Cancelled,
            _ => RouteEnd.Failed,
        };
        var report = attempt.UsageKnown
            ? new CacheReport(end == RouteEnd.Completed, usage.Prompt, Cached(attempt), usage.Output)
            : new CacheReport(end == RouteEnd.Completed, 0, -1, usage.Output);
        var prompt = x.PromptFor(attempt.Pool);
        attempt.Pool.End(attempt.Ticket, end, in report, in prompt);
    }

    /// <summary>An engine that counts cached tokens may leave the count out where it is none; one that does not count
    /// them says nothing by that.</summary>
    private static long Cached(AttemptInFlight attempt)
    {
        if (attempt.CachedKnown)
        {
            attempt.Replica.CountsCached = true;
        }

        return attempt.Replica.CountsCached ? attempt.Usage.CacheRead : -1;
    }

    private void Write(Exchange x, AttemptInFlight attempt, AttemptOutcome outcome)
    {
        var now = time.GetTimestamp();
        var price = x.Fleet.Prices.PriceOf(x.Model.Id, attempt.Usage, x.StartedUtc);
        journal.Settle(new SettlementRecord
        {
            Key = new AttemptKey(x.Id, x.Attempts),
            At = x.StartedUtc + time.GetElapsedTime(x.StartedAt, now),
            Outcome = outcome,
            HttpStatus = attempt.Status,
            Usage = attempt.Usage,
            UsageIsEstimated = IsEstimate(attempt, outcome),
            Price = price,
            FirstByteAfter = attempt.FirstByteAt == 0
                ? null
                : time.GetElapsedTime(attempt.DispatchedAt, attempt.FirstByteAt),
            Duration = time.GetElapsedTime(attempt.DispatchedAt, now),
            DecisionId = x.Record is null ? "" : DecisionLog.Format(x.Record.Id),
            RequestBytes = attempt.RequestBytes,
            ResponseBytes = attempt.ResponseBytes,
        });
        x.Record!.Price = price;
    }

    private void Complete(Exchange x, AttemptInFlight attempt, AttemptOutcome outcome)
    {
        attempt.Record.Outcome = AttemptOutcomes.NameOf(outcome);
        attempt.Record.Status = attempt.Status;
        var record = x.Record!;
        record.Usage = attempt.Usage;
        record.UsageIsEstimated = IsEstimate(attempt, outcome);
        record.Status = attempt.Status;
        record.FirstByte = attempt.FirstByteAt == 0 ? null : time.GetElapsedTime(x.StartedAt, attempt.FirstByteAt);
        record.Total = time.GetElapsedTime(x.StartedAt);
        record.Outcome = attempt.Record.Outcome;
    }

    /// <summary>
    /// What to write where the engine did not come to report it all: what it did report, else the estimated prompt, and
    /// the pieces of the answer that were seen to pass; nothing where the engine refused or failed before its answer.
    /// </summary>
    private static TokenUsage Estimate(AttemptInFlight attempt, AttemptOutcome outcome) =>
        IsFree(attempt, outcome) ? default
            : attempt.Usage.Prompt > 0
                ? attempt.Usage with { Output = Math.Max(attempt.Usage.Output, attempt.OutputSeen) }
                : new TokenUsage(attempt.Decision.PromptTokens, 0, 0, 0, attempt.OutputSeen);

    /// <summary>The nothing of a refusal is not a guess.</summary>
    private static bool IsEstimate(AttemptInFlight attempt, AttemptOutcome outcome) =>
        !attempt.UsageKnown && !IsFree(attempt, outcome);

    private static bool IsFree(AttemptInFlight attempt, AttemptOutcome outcome) =>
        outcome is AttemptOutcome.RefusedByEngine or AttemptOutcome.NotReached
        || (attempt.FirstByteAt == 0 && outcome is AttemptOutcome.EngineFailed or AttemptOutcome.EngineTimeout);
}
