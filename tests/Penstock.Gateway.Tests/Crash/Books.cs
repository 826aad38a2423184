using System.Globalization;
using Dapper;
using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Core.Primitives;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Requests;
using Penstock.Gateway.Storage;

namespace Penstock.Gateway.Tests.Crash;

/// <summary>All that the ledger of a stopped gateway holds, to be compared with what engines and clients saw.</summary>
internal sealed class Books
{
    // USD per million tokens, so micro-USD per token.
    public const int InputPrice = 2;
    public const int CacheReadPrice = 1;
    public const int OutputPrice = 10;

    private readonly List<Entry> _entries;
    private readonly ILookup<string, Entry> _byRequest;

    private Books(List<Entry> entries)
    {
        _entries = entries;
        _byRequest = entries.ToLookup(e => e.RequestId);
    }

    public int Count(AttemptOutcome outcome) => _entries.Count(e => e.Settlement.Outcome == outcome);

    /// <summary>Attempts after the first of their request.</summary>
    public int Retried => _entries.Count(e => e.Settlement.Key.Attempt > 1);

    public int Total => _entries.Count;

    /// <summary>Reads the ledger in the folder, and holds each entry to what is true of it alone.</summary>
    public static Books Open(string dataFolder)
    {
        using var connection = SqliteDatabase.OpenToRead(dataFolder)!.ConnectToRead();
        var postings = connection.Query<(byte[] Id, int Attempt, string Side, long Amount)>(
                "SELECT request_id, attempt, side, micro_usd FROM postings")
            .ToLookup(p => (Convert.ToHexString(p.Id), p.Attempt));
        var entries = new List<Entry>();
        foreach (var row in connection.Query<EntryRow>("SELECT * FROM entries ORDER BY request_id, attempt"))
        {
            var admission = row.Admission();
            var id = RequestIds.Format(admission.Key.RequestId);
            Assert.True(row.settled == 1, $"{id} is open");
            var lines = postings[(Convert.ToHexString(row.request_id), row.attempt)].ToList();
            Assert.Equal(0, lines.Sum(line => line.Amount));
            Assert.Equal(
                row.price_micro_usd ?? 0, lines.Where(p => p.Side == "customer" && p.Amount > 0).Sum(p => p.Amount));
            entries.Add(new Entry(id, admission.Replica, row.Settlement()!.Value));
        }

        return new Books(entries);
    }

    /// <summary>Every request that reached an engine is here, once for each time that it did.</summary>
    public void MatchArrivals(IReadOnlyCollection<Arrival> arrivals)
    {
        foreach (var order in arrivals.GroupBy(a => a.Order.Number))
        {
            Assert.True(order.Select(a => a.RequestId).Distinct().Count() == 1, $"sent under two ids: {order.First()}");
        }

        var arrived = arrivals.ToLookup(a => (a.RequestId, a.Replica));
        var booked = _entries.ToLookup(e => (e.RequestId, e.Replica), e => e.Settlement.Outcome);
        foreach (var place in arrived.Select(a => a.Key).Union(booked.Select(b => b.Key)))
        {
            var outcomes = booked[place].ToList();
            var came = arrived[place].Count();
            var mayHave = outcomes.Count(o => o != AttemptOutcome.NotReached);
            var must = outcomes.Count(o => o is AttemptOutcome.Completed or AttemptOutcome.EngineFailed
                or AttemptOutcome.RefusedByEngine or AttemptOutcome.EngineTimeout or AttemptOutcome.Aborted);
            Assert.True(
                came >= must && came <= mayHave,
                $"{place} reached the engine {came} times, booked: {string.Join(", ", outcomes)}");
        }

        foreach (var request in _byRequest)
        {
            Assert.Equal(
                Enumerable.Range(1, request.Count()), request.Select(e => e.Settlement.Key.Attempt).Order());
        }
    }

    /// <summary>What was completed cost what the engine reported, to the token.</summary>
    public void MatchUsage(IReadOnlyCollection<Arrival> arrivals)
    {
        var orders = arrivals.ToLookup(a => a.RequestId, a => a.Order);
        foreach (var entry in _entries.Where(e => e.Settlement.Outcome == AttemptOutcome.Completed))
        {
            var tokens = orders[entry.RequestId].First().Tokens;
            var fresh = tokens.Prompt - tokens.Cached;
            Assert.Equal(new TokenUsage(fresh, 0, 0, tokens.Cached, tokens.Output), entry.Settlement.Usage);
            Assert.False(entry.Settlement.UsageIsEstimated);
            Assert.Equal(
                new Money((fresh * InputPrice) + (tokens.Cached * CacheReadPrice) + (tokens.Output * OutputPrice)),
                entry.Settlement.Price);
        }
    }

    /// <summary>What a client received to its last byte is here as completed, whatever came after it.</summary>
    public void MatchReceipts(IReadOnlyCollection<Receipt> receipts)
    {
        foreach (var receipt in receipts)
        {
            var completed = _byRequest[receipt.RequestId]
                .Count(e => e.Settlement.Outcome == AttemptOutcome.Completed);
            Assert.True(
                receipt.IsWhole ? completed == 1 : _byRequest[receipt.RequestId].Any(),
                $"{receipt}: {completed} completed of {_byRequest[receipt.RequestId].Count()} attempts");
        }
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{_entries.Count} attempts: ")
        + string.Join(
            ", ", _entries.CountBy(e => e.Settlement.Outcome).OrderBy(c => c.Key).Select(c => $"{c.Value} {c.Key}"));

    private sealed record Entry(string RequestId, string Replica, SettlementRecord Settlement);
}
