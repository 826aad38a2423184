using System.Text;
using System.Text.Json.Serialization;
using Penstock.Bench.Wire;

namespace Penstock.Bench.Load;

/// <summary>What one run of the load client does against one target. Travels to the client's process as JSON.</summary>
/// <param name="Port">Loopback port of the target.</param>
/// <param name="Key">Sent as x-api-key.</param>
internal sealed record LoadPlan(int Port, string Key)
{
    /// <summary>Requests start in this time; those under way are then finished.</summary>
    public double Seconds { get; init; }

    /// <summary>Closed loop: this many clients, each one request after the other. 0: open loop.</summary>
    public int Clients { get; init; }

    /// <summary>Closed loop: the clients start evenly over this time, so that their streams are out of step.</summary>
    public double StaggerSeconds { get; init; }

    /// <summary>Open loop: requests a second, evenly spaced, whatever the answers do.</summary>
    public double Rate { get; init; }

    /// <summary>The request body for a constant answer; null for a stream.</summary>
    public string? BodyFile { get; init; }

    /// <summary>Events in each stream.</summary>
    public int Events { get; init; }

    /// <summary>Time between two events.</summary>
    public int GapMilliseconds { get; init; }

    /// <summary>The exact answer body; anything else is a failure.</summary>
    [JsonIgnore]
    public byte[] Expected => BodyFile is null ? StreamScript.Of(Events).Payload : Answers.MessagesBytes;

    /// <summary>The whole request: head and body.</summary>
    public byte[] Request()
    {
        var body = BodyFile is null ? RequestBodies.Stream(Events, GapMilliseconds) : File.ReadAllBytes(BodyFile);
        var head = $"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:{Port}\r\nuser-agent: penstock-bench\r\n"
            + $"content-type: application/json\r\nanthropic-version: 2023-06-01\r\nx-api-key: {Key}\r\n"
            + $"content-length: {body.Length}\r\n\r\n";
        return [.. Encoding.ASCII.GetBytes(head), .. body];
    }
}
