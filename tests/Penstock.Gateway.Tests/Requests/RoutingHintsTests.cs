using Microsoft.AspNetCore.Http;
using Penstock.Core.Routing;
using Penstock.Gateway.Requests;

namespace Penstock.Gateway.Tests.Requests;

public class RoutingHintsTests
{
    [Fact]
    public void A_request_without_hints_says_nothing() =>
        Assert.Equal(default, RoutingHints.Read(new HeaderDictionary(), key: 1));

    [Theory]
    [InlineData("x-claude-code-session-id")]
    [InlineData("x-session-id")]
    [InlineData("session-id")]
    [InlineData("x-session-affinity")]
    public void A_session_is_known_by_its_id_and_the_key_that_it_came_with(string header)
    {
        var session = Session(1, (header, "abc"));
        Assert.NotEqual(0UL, session);
        Assert.Equal(session, Session(1, (header, "abc")));
        Assert.NotEqual(session, Session(1, (header, "abd")));
        Assert.NotEqual(session, Session(2, (header, "abc")));
    }

    [Fact]
    public void An_agent_of_a_session_is_a_session_of_its_own()
    {
        const string Header = "x-claude-code-session-id";
        var main = Session(1, (Header, "abc"));
        var agent = Session(1, (Header, "abc"), ("x-claude-code-agent-id", "a1"));
        Assert.NotEqual(main, agent);
        Assert.NotEqual(agent, Session(1, (Header, "abc"), ("x-claude-code-agent-id", "a2")));
    }

    [Theory]
    [InlineData("main", RequestClass.Main)]
    [InlineData("subagent", RequestClass.Subagent)]
    [InlineData("workflow", RequestClass.Workflow)]
    [InlineData("compaction", RequestClass.Compaction)]
    [InlineData("auxiliary", RequestClass.Auxiliary)]
    [InlineData("something new", RequestClass.Unknown)]
    public void The_class_is_what_the_client_calls_it(string name, RequestClass expected) =>
        Assert.Equal(expected, Read(("x-claude-code-request-class", name)).Class);

    [Theory]
    [InlineData("1", true)]
    [InlineData("auto", true)]
    [InlineData("false", false)]
    public void A_compacted_context_is_said_in_a_header(string value, bool expected) =>
        Assert.Equal(expected, Read(("x-claude-code-context-compacted", value)).ContextCompacted);

    [Fact]
    public void A_value_of_absurd_length_names_no_session() =>
        Assert.Equal(0UL, Session(1, ("session-id", new string('x', 5_000))));

    /// <summary>A client may send headers of its own making, and values of any length.</summary>
    [Fact]
    public void For_the_record_only_the_known_ones_are_kept_and_of_each_the_beginning()
    {
        var headers = new HeaderDictionary
        {
            ["X-Claude-Code-Session-Id"] = new string('s', 5_000),
            ["x-claude-code-request-class"] = "main",
            ["x-claude-code-of-my-own-making"] = "v",
            ["user-agent"] = "a",
        };
        Assert.Equal(
            [
                KeyValuePair.Create("x-claude-code-session-id", new string('s', RoutingHints.KeptCharsMax)),
                KeyValuePair.Create("x-claude-code-request-class", "main"),
            ],
            RoutingHints.Kept(headers));
    }

    private static RoutingHints Read(params (string Name, string Value)[] headers) => Read(1, headers);

    private static ulong Session(ulong key, params (string Name, string Value)[] headers) =>
        Read(key, headers).Session;

    private static RoutingHints Read(ulong key, (string Name, string Value)[] headers)
    {
        var dictionary = new HeaderDictionary();
        foreach (var (name, value) in headers)
        {
            dictionary[name] = value;
        }

        return RoutingHints.Read(dictionary, key);
    }
}
