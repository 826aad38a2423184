using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing;

public class DecodeRatesTests
{
    private const int Tokens = 101;

    private readonly ReplicaLoad[] _loads = [ReplicaLoad.New, ReplicaLoad.New, ReplicaLoad.New];
    private LineFit _pool;
    private double _now;

    [Fact]
    public void Before_anything_was_measured_a_token_takes_what_is_assumed()
    {
        var line = DecodeRates.Line(in _pool);
        Assert.Equal(ReplicaLoad.SecondsPerTokenAtFirst, line.Alone, 6);
        Assert.InRange(line.Each, 0.0001, 0.001);
    }

    [Fact]
    public void The_time_of_a_token_follows_from_how_many_run_beside_it()
    {
        foreach (var beside in Enumerable.Range(0, 400))
        {
            Answer(0, 0.010 + (0.000_2 * (beside % 100)), beside % 100);
        }

        var line = DecodeRates.Line(in _pool);
        Assert.InRange(line.Alone, 0.0098, 0.0102);
        Assert.InRange(line.Each, 0.000_19, 0.000_21);
    }

    [Fact]
    public void A_replica_that_was_crowded_is_not_taken_for_a_slow_one()
    {
        for (var i = 0; i < 300; i++)
        {
            Answer(0, 0.030 + (0.000_1 * (i % 7)), beside: 100);
            Answer(1, 0.010 + (0.000_1 * (i % 7)), beside: 0);
        }

        Assert.InRange(_loads[0].DecodeFactor, 0.95, 1.05);
        Assert.InRange(_loads[1].DecodeFactor, 0.95, 1.05);
    }

    [Fact]
    public void A_replica_that_is_slow_whatever_runs_there_is()
    {
        for (var i = 0; i < 300; i++)
        {
            var beside = i % 50;
            Answer(0, 4 * (0.010 + (0.000_1 * beside)), beside);
            Answer(1, 0.010 + (0.000_1 * beside), beside);
            Answer(2, 0.010 + (0.000_1 * beside), beside);
        }

        Assert.InRange(_loads[0].DecodeFactor / _loads[1].DecodeFactor, 3.5, 4.5);
        Assert.InRange(_loads[1].DecodeFactor / _loads[2].DecodeFactor, 0.95, 1.05);
    }

    [Fact]
    public void One_answer_that_stalled_changes_little()
    {
        for (var i = 0; i < 100; i++)
        {
            Answer(0, 0.010, beside: i % 10);
        }

        Answer(0, 1, beside: 5);
        Assert.InRange(DecodeRates.Line(in _pool).Alone, 0.009, 0.012);
        Assert.InRange(_loads[0].DecodeFactor, 0.95, 1.1);
    }

    /// <summary>So many beside it that a token is expected to take minutes.</summary>
    [Fact]
    public void A_crowd_beyond_all_measure_leaves_a_line_all_the_same()
    {
        for (var i = 0; i < 100; i++)
        {
            Answer(0, 9 + (0.01 * (i % 2)), beside: i % 2);
        }

        for (var i = 0; i < 2_000; i++)
        {
            Answer(0, 10, beside: 1_000_000);
        }

        Assert.InRange(DecodeRates.Line(in _pool).Alone, 0, 10);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public void Short_answers_teach_nothing(long tokens)
    {
        var request = new TicketTable.InFlight { FirstTokenAt = Instant.FromSeconds(1) };
        DecodeRates.Answer(ref _loads[0], ref _pool, in request, tokens, 3, Instant.FromSeconds(9));
        Assert.Equal(default, _pool);
    }

    private void Answer(int replica, double each, double beside)
    {
        var request = new TicketTable.InFlight { FirstTokenAt = Instant.FromSeconds(_now) };
        _now += each * (Tokens - 1);
        DecodeRates.Answer(
            ref _loads[replica], ref _pool, in request, Tokens, beside, Instant.FromSeconds(_now));
        var line = DecodeRates.Line(in _pool);
        foreach (ref var load in _loads.AsSpan())
        {
            DecodeRates.Refresh(ref load, in line, Instant.FromSeconds(_now));
        }
    }
}
