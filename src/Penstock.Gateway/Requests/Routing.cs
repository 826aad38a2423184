using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Requests;

/// <summary>
/// Picks a replica for a request, in the first of its model's pools that has one, and keeps the reasons.
/// </summary>
internal sealed class Routing(DecisionLog decisions, TimeProvider time)
{
    /// <summary>Takes a place at a replica for the next attempt; false where no pool of the model has one.</summary>
    public bool TryRoute(Exchange x)
    {
        foreach (var snapshot in x.Model.Pools)
        {
            var pool = x.Pools.Find(snapshot.Name);
            if (pool is not null && TryRoute(x, pool, snapshot.Slo))
            {
                return true;
            }
        }

        return false;
    }

    private bool TryRoute(Exchange x, Pool pool, Slo slo)
    {
        var generates = x.Operation == Operation.Generate;
        var key = Hash64.Of(x.Key.Id);
        var hints = RoutingHints.Read(x.Http.Request.Headers, key);
        var record = x.Record ??= NewRecord(x);
        var request = new RouteRequest
        {
            At = pool.Now,
            Id = record.Id,
            Prompt = x.PromptFor(pool),
            OutputTokensMax = Math.Max(0, x.Scan.MaxTokens),
            Key = key,
            Session = generates ? hints.Session : 0,
            Class = hints.Class,
            ContextCompacted = hints.ContextCompacted,
            AnswersWhole = !(generates && x.Scan.Stream),
            Slo = generates ? slo : default,
            Tried = x.Failures.In(pool),
        };
        var now = time.GetTimestamp();
        var at = time.GetElapsedTime(x.StartedAt, now);
        var decision = pool.Route(in request, out var ticket, out var candidates);
        var slots = pool.Slots;
        var attempt = new AttemptRecord
        {
            Pool = pool.Snapshot.Name,
            Policy = pool.Policy,
            ReplicaNames = slots.Names,
            Decision = decision,
            Candidates = candidates,
            Slo = request.Slo,
            At = at,
        };
        if (decision.Found)
        {
            // First of all: from here on the end of the request gives the place back, whatever comes in between.
            x.Attempts++;
            x.Attempt.Begin(pool, slots[decision.Replica], ticket, decision, attempt, now);
            pool.Routed(in decision, request.Prompt.Blocks);

            // Whatever became of the attempt before, the request is under way again.
            record.Outcome = DecisionRecord.InFlight;
        }
        else
        {
            attempt.Outcome = "no_replica";
        }

        attempt.Feeds = slots.FeedsOf(candidates.All);
        decisions.Add(record, attempt);
        return decision.Found;
    }

    private DecisionRecord NewRecord(Exchange x)
    {
        var record = new DecisionRecord
        {
            Id = decisions.NextId(),
            RequestId = x.IdText,
            At = x.StartedUtc,
            Dialect = x.Dialect,
            Key = x.Key.Id,
            RequestedModel = x.Scan.Model,
            Model = x.Model.Id,
            SnapshotVersion = x.Fleet.Version,
            Stream = x.Scan.Stream,
            ChainBlocks = x.Chain.Blocks.Length,
            Hints = RoutingHints.Kept(x.Http.Request.Headers),
        };
        decisions.Add(record);
        return record;
    }
}
