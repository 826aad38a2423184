using Penstock.Core.Models;
using Penstock.Core.Routing;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Tests.Pools;

public class DecisionLogTests
{
    private readonly DecisionLog _log = new(epoch: 7);

    [Fact]
    public void The_latest_are_kept_and_found()
    {
        var ids = Enumerable.Range(0, DecisionLog.Capacity + 10).Select(i => Add($"req_{i}").Id).ToArray();
        Assert.Equal(DecisionLog.Capacity, _log.Count);
        Assert.Null(_log.Find(DecisionLog.Format(ids[9])));
        Assert.Equal("req_10", _log.Find(DecisionLog.Format(ids[10]))!.RequestId);
        Assert.Equal(ids[^1], _log.Latest(1).Single().Id);
        Assert.Null(_log.FindByRequest("req_9"));
        Assert.Equal(ids[10], _log.FindByRequest("req_10")!.Id);
    }

    /// <summary>However much there is to say of each: hints as long as they may be, and one attempt after another.
    /// </summary>
    [Fact]
    public void They_take_no_more_than_so_many_bytes_together()
    {
        var hints = Enumerable.Range(0, 7)
            .Select(i => KeyValuePair.Create($"x-hint-{i}", new string('v', 128))).ToArray();
        for (var i = 0; i < DecisionLog.Capacity; i++)
        {
            var record = Add($"req_{i}", hints);
            for (var attempts = 0; attempts < 3; attempts++)
            {
                _log.Add(record, Attempt(KeptCandidates.CountMax));
                Assert.InRange(_log.Bytes, 1, DecisionLog.BytesMax);
            }
        }

        Assert.InRange(_log.Bytes, DecisionLog.BytesMax * 9 / 10, DecisionLog.BytesMax);
        Assert.InRange(_log.Count, 1_000, DecisionLog.Capacity / 2);
        Assert.Equal(_log.Count, _log.Latest(DecisionLog.Capacity).Count());
        Assert.Null(_log.FindByRequest("req_0"));
        Assert.NotNull(_log.FindByRequest($"req_{DecisionLog.Capacity - 1}"));
    }

    [Fact]
    public void An_attempt_of_a_request_whose_decision_is_forgotten_takes_nothing()
    {
        var first = Add("first");
        for (var i = 0; i < DecisionLog.Capacity; i++)
        {
            Add("another");
        }

        var before = _log.Bytes;
        _log.Add(first, Attempt(KeptCandidates.CountMax));
        Assert.Equal(before, _log.Bytes);
    }

    [Fact]
    public void What_is_counted_is_what_is_there_whoever_adds_at_the_same_time()
    {
        Parallel.For(0, 3 * DecisionLog.Capacity, i =>
        {
            var record = Add("request");
            _log.Add(record, Attempt(i % (KeptCandidates.CountMax + 1)));
            _log.Add(record, Attempt(KeptCandidates.CountMax));
        });
        var kept = _log.Latest(DecisionLog.Capacity).ToArray();
        Assert.Equal(kept.Length, _log.Count);
        Assert.Equal(kept.Sum(r => r.Forget()), _log.Bytes);
        Assert.InRange(_log.Bytes, 1, DecisionLog.BytesMax);
    }

    private static AttemptRecord Attempt(int candidates) => new()
    {
        Pool = "main",
        Policy = RoutePolicies.Create("round-robin")!,
        ReplicaNames = [],
        Decision = default,
        Candidates = new KeptCandidates(new Candidate[candidates], []),
        At = default,
    };

    private DecisionRecord Add(string request, IReadOnlyList<KeyValuePair<string, string>>? hints = null)
    {
        var record = new DecisionRecord
        {
            Id = _log.NextId(),
            RequestId = request,
            At = DateTimeOffset.UnixEpoch,
            Dialect = Dialect.Anthropic,
            Key = "k",
            RequestedModel = "m",
            Model = "m",
            SnapshotVersion = 1,
            Hints = hints ?? [],
        };
        _log.Add(record);
        return record;
    }
}
