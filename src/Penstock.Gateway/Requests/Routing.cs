using Microsoft.AspNetCore.Http;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Requests;

/// <summary>
/// Picks a replica for a request, in the first of its model's pools that has one, and keeps the reasons.
/// </summary>
internal sealed class Routing(DecisionLog decisions, TimeProvider time)
{
    private const string HintPrefix = "x-claude-code-";
    private const int HintsMax = 16;
    private const int HintCharsMax = 512;

    private static readonly List<KeyValuePair<string, string>> None = [];

    /// <summary>Takes a place at a replica for the next attempt; false where no pool of the model has one.</summary>
    public bool TryRoute(Exchange x)
    {
        foreach (var snapshot in x.Model.Pools)
        {
            var pool = x.Pools.Find(snapshot.Name);
            if (pool is not null && TryRoute(x, pool))
            {
                return true;
            }
        }

        return false;
    }

    private bool TryRoute(Exchange x, Pool pool)
    {
        var generates = x.Operation == Operation.Generate;
        var key = Hash64.Of(x.Key.Id);
        var hints = RoutingHints.Read(x.Http.Request.Headers, key);
        var request = new RouteRequest
        {
            At = pool.Now,
            Prompt = x.PromptFor(pool),
            OutputTokensMax = Math.Max(0, x.Scan.MaxTokens),
            Key = key,
            Session = generates ? hints.Session : 0,
            Class = hints.Class,
            ContextCompacted = hints.ContextCompacted,
            Tried = x.Failures.In(pool),
        };
        var decision = pool.Route(in request, out var ticket, out var candidates);
        var slots = pool.Slots;
        var now = time.GetTimestamp();
        var attempt = new AttemptRecord
        {
            Pool = pool.Snapshot.Name,
            Policy = pool.Policy,
            ReplicaNames = slots.Names,
            Decision = decision,
            Candidates = candidates,
            Feeds = pool.Slots.FeedsOf(candidates),
            At = time.GetElapsedTime(x.StartedAt, now),
        };
        x.Record ??= NewRecord(x);
        if (!decision.Found)
        {
            attempt.Outcome = "no_replica";
            x.Record.Add(attempt);
            return false;
        }

        // Whatever became of the attempt before, the request is under way again.
        x.Record.Outcome = DecisionRecord.InFlight;
        x.Record.Add(attempt);

        x.Attempts++;
        x.Attempt.Begin(pool, slots[decision.Replica], ticket, decision, attempt, now);
        return true;
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
            Hints = Hints(x.Http.Request.Headers),
        };
        decisions.Add(record);
        return record;
    }

    private static List<KeyValuePair<string, string>> Hints(IHeaderDictionary headers)
    {
        var hints = None;
        foreach (var (name, value) in headers)
        {
            if (name.StartsWith(HintPrefix, StringComparison.OrdinalIgnoreCase) && hints.Count < HintsMax)
            {
                var text = value.ToString();
                hints = hints == None ? [] : hints;
                hints.Add(new(name.ToLowerInvariant(), text[..Math.Min(text.Length, HintCharsMax)]));
            }
        }

        return hints;
    }
}
