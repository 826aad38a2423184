using System.Text;
using Penstock.Core.Outcomes;
using Penstock.Core.Replicas;
using Penstock.Engines;

namespace Penstock.Gateway.Tests.Engines;

/// <summary>Whose fault an answer is, for every adapter.</summary>
public class ClassificationTests
{
    private const string Html = "<html><body>404</body></html>";

    /// <summary>The table of the room's README, one row each.</summary>
    private static readonly Row[]
        Rows =
        [
            new(200, "", null, HealthSignal.RequestSucceeded, false, true),
            new(301, "", FailureKind.Internal, HealthSignal.RequestFailed, true, false),
            new(400, "{}", FailureKind.InvalidRequest, HealthSignal.RequestSucceeded, false, true),
            new(401, "{}", FailureKind.Internal, HealthSignal.RequestFailed, true, false),
            new(402, "{}", FailureKind.Internal, HealthSignal.RequestFailed, true, false),
            new(403, "{}", FailureKind.Internal, HealthSignal.RequestFailed, true, false),
            new(404, """{"detail":"Not Found"}""", FailureKind.Internal, HealthSignal.RequestFailed, true, false),
            new(404, Html, FailureKind.Internal, HealthSignal.RequestFailed, true, false),
            new(404, """{"error":{"message":"The model `x` does not exist."}}""", FailureKind.ModelNotFound,
                HealthSignal.RequestSucceeded, false, true),
            new(404, """{"error":{"message":"no such file_123"}}""", FailureKind.NotFound,
                HealthSignal.RequestSucceeded, false, true),
            new(405, """{"detail":"Method Not Allowed"}""",
                FailureKind.Internal, HealthSignal.RequestFailed, true, false),
            new(408, "", FailureKind.EngineTimeout, null, true, false),
            new(413, "{}", FailureKind.TooLarge, HealthSignal.RequestSucceeded, false, true),
            new(422, "{}", FailureKind.InvalidRequest, HealthSignal.RequestSucceeded, false, true),
            new(429, "{}", FailureKind.Overloaded, HealthSignal.RequestRefusedBusy, true, false),
            new(500, "Internal Server Error", FailureKind.EngineFailed, HealthSignal.RequestFailed, true, false),
            new(501, "{}", FailureKind.NotSupported, HealthSignal.RequestSucceeded, false, true),
            new(502, Html, FailureKind.EngineFailed, HealthSignal.RequestFailed, true, false),
            new(503, "", FailureKind.Overloaded, HealthSignal.RequestFailed, true, false),
            new(503, """{"message":"The request queue is full."}""", FailureKind.Overloaded,
                HealthSignal.RequestRefusedBusy, true, false),
            new(504, Html, FailureKind.EngineTimeout, HealthSignal.RequestFailed, true, false),
            new(529, "{}", FailureKind.Overloaded, HealthSignal.RequestRefusedBusy, true, false),
        ];

    public static TheoryData<string> Kinds => Wires.Kinds;

    [Theory, MemberData(nameof(Kinds))]
    public void Follows_the_table(string kind)
    {
        foreach (var row in Rows)
        {
            Assert.Equal(
                new EngineVerdict(row.Kind, row.Evidence, row.Retry, row.Relay),
                Wires.Adapter(kind).Classify(row.Status, Encoding.UTF8.GetBytes(row.Body)));
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void No_status_and_no_body_is_without_a_verdict(string kind)
    {
        byte[][] bodies = [[], [0xff, 0xfe], [.. Enumerable.Repeat((byte)'{', 100_000)]];
        for (var status = 100; status < 1000; status++)
        {
            foreach (var body in bodies)
            {
                var verdict = Wires.Adapter(kind).Classify(status, body);
                Assert.Equal(status is >= 200 and < 300, verdict.IsSuccess);
                Assert.False(verdict is { RetryElsewhere: true, RelayBody: true });
            }
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void A_fault_of_the_client_is_never_retried_and_never_held_against_the_engine(string kind)
    {
        foreach (var status in new[] { 400, 413, 415, 422 })
        {
            var verdict = Wires.Adapter(kind).Classify(status, "{}"u8);
            Assert.Equal(Blame.Client, verdict.Blame);
            Assert.False(verdict.RetryElsewhere);
            Assert.NotEqual(HealthSignal.RequestFailed, verdict.Evidence);
        }
    }

    [Theory]
    [InlineData("""{"error":{"code":500,"message":"'messages' is required","type":"server_error"}}""")]
    [InlineData("""{"error":{"code":500,"message":"image input is not supported - hint","type":"server_error"}}""")]
    public void Llama_server_blames_itself_for_requests_that_are_wrong(string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var verdict = Wires.Adapter("llamacpp").Classify(500, bytes);
        Assert.Equal((Blame.Client, false, false), (verdict.Blame, verdict.RetryElsewhere, verdict.RelayBody));
        Assert.Equal(HealthSignal.RequestSucceeded, verdict.Evidence);
        Assert.Equal(FailureKind.EngineFailed, Wires.Adapter("vllm").Classify(500, bytes).Kind);
    }

    [Fact]
    public void A_credential_that_the_engine_refuses_is_our_fault() =>
        Assert.Equal(Blame.Us, Wires.Adapter("anthropic").Classify(401, "{}"u8).Blame);

    private sealed record Row(
        int Status, string Body, FailureKind? Kind, HealthSignal? Evidence, bool Retry, bool Relay);
}
