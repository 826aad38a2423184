using System.Text.Json;
using Anthropic;
using Anthropic.Core;
using Anthropic.Exceptions;
using Anthropic.Models.Messages;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>The official Anthropic package for C#: API version 2026-10-21, the key as a bearer token.</summary>
public abstract class AnthropicClientTests
{
    private readonly ClientTarget _target;
    private readonly AnthropicClient _client;

    protected AnthropicClientTests(ClientTarget target)
    {
        target.Require();
        _target = target;
        _client = ClientWith(target.Key);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private MessageCreateParams Hi => new()
    {
        Model = _target.Model,
        MaxTokens = 48,
        Messages = [new UserMessageParam { Content = "Say hi." }],
    };

    private MessageCreateParams AskForTheWeather => Hi with
    {
        Messages = [new UserMessageParam { Content = "How is the weather in Oslo?" }],
        Tools =
        [
            new Tool
            {
                Name = "get_weather",
                Description = "The weather in a city.",
                InputSchema = new()
                {
                    Properties = new Dictionary<string, JsonElement>
                    {
                        ["city"] = JsonSerializer.SerializeToElement(new { type = "string" }),
                    },
                    Required = ["city"],
                },
            },
        ],
    };

    [Fact]
    public async Task A_message_comes_back_whole_and_valid()
    {
        var message = await _client.Messages.Create(Hi, Cancellation);
        message.Validate();
        AssertAnswer(TextOf(message));
        Assert.True(message.Usage.OutputTokens > 0);
        Assert.True(message.Usage.InputTokens + (message.Usage.CacheReadInputTokens ?? 0) > 0);
    }

    [Fact]
    public async Task A_stream_has_every_event_valid_and_in_order()
    {
        var text = "";
        var events = new List<string>();
        await foreach (var item in _client.Messages.CreateStreaming(Hi, Cancellation))
        {
            item.Validate();
            events.Add(item.Json.GetProperty("type").GetString()!);
            if (item.TryPickContentBlockDelta(out var delta) && delta.Delta.TryPickText(out var piece))
            {
                text += piece.Text;
            }
        }

        AssertAnswer(text);
        Assert.Equal("message_start", events[0]);
        Assert.Equal("message_stop", events[^1]);
        Assert.Single(events, "content_block_start");
        Assert.Single(events, "content_block_stop");
    }

    [Fact]
    public async Task A_tool_loop_ends_with_an_answer()
    {
        var ask = AskForTheWeather;
        var first = await _client.Messages.Create(ask, Cancellation);
        var call = first.Content
            .Select(b => b.TryPickToolUse(out var use) ? use : null)
            .FirstOrDefault(u => u is not null);
        Assert.Equal(_target.CallsTools, call is not null);

        // A model that does not call gets the call put into its mouth: the second turn is the same.
        var id = call?.ID ?? "toolu_check";
        var input = call?.Input ?? new Dictionary<string, JsonElement>
        {
            ["city"] = JsonSerializer.SerializeToElement("Oslo"),
        };
        Assert.Equal("Oslo", input["city"].GetString());
        var called = new AssistantMessageParam
        {
            Content = new List<ContentBlockParam>
            {
                new ToolUseBlockParam { ID = id, Name = "get_weather", Input = input },
            },
        };
        var returned = new UserMessageParam
        {
            Content = new List<ContentBlockParam> { new ToolResultBlockParam(id) { Content = "sunny, 21 degrees" } },
        };
        var answer = await _client.Messages.Create(
            ask with { Messages = [.. ask.Messages, called, returned] }, Cancellation);
        var text = TextOf(answer);
        Assert.NotEqual("", text.Trim());
        if (_target.CallsTools)
        {
            Assert.Contains("sunny, 21 degrees", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Tokens_of_a_prompt_are_counted()
    {
        var count = await _client.Messages.CountTokens(
            new() { Model = _target.Model, Messages = [new UserMessageParam { Content = "Say hi." }] }, Cancellation);
        Assert.True(count.InputTokens > 0);
    }

    [Fact]
    public async Task Models_are_listed_and_found_by_name()
    {
        var ids = new List<string>();
        await foreach (var model in (await _client.Models.List(cancellationToken: Cancellation)).Paginate(Cancellation))
        {
            model.Validate();
            ids.Add(model.ID);
        }

        Assert.Contains(_target.Model, ids);
        Assert.Equal(_target.Model, (await _client.Models.Retrieve(_target.Model, cancellationToken: Cancellation)).ID);
    }

    [Fact]
    public async Task A_wrong_key_is_a_typed_error_with_a_request_id()
    {
        var error = await Assert.ThrowsAsync<AnthropicUnauthorizedException>(
            () => ClientWith("sk-not-a-key-of-this-gateway").Messages.Create(Hi, Cancellation));
        Assert.False(string.IsNullOrEmpty(error.RequestID));
        Assert.Equal("authentication_error", error.Type?.Raw());
    }

    [Fact]
    public async Task A_model_that_is_not_there_is_a_typed_error()
    {
        var error = await Assert.ThrowsAsync<AnthropicNotFoundException>(
            () => _client.Models.Retrieve("no-such-model-anywhere", cancellationToken: Cancellation));
        Assert.False(string.IsNullOrEmpty(error.RequestID));
        Assert.Equal("not_found_error", error.Type?.Raw());
    }

    private AnthropicClient ClientWith(string key) =>
        new(new ClientOptions { ApiKey = key, BaseUrl = _target.Url.ToString().TrimEnd('/'), MaxRetries = 0 });

    private void AssertAnswer(string text)
    {
        Assert.NotEqual("", text.Trim());
        Assert.Contains(_target.Expected, text, StringComparison.OrdinalIgnoreCase);
    }

    private static string TextOf(Message message) =>
        string.Concat(message.Content.Select(b => b.TryPickText(out var text) ? text.Text : ""));
}

[Collection(DemoPoolCollection.Name)]
public sealed class AnthropicClientOnTheDemoPoolTests(DemoPool target) : AnthropicClientTests(target);

[Collection(LlamaServersCollection.Name)]
public sealed class AnthropicClientOnLlamaServersTests(LlamaServers target) : AnthropicClientTests(target);

[Collection(ToolPoolCollection.Name)]
public sealed class AnthropicClientOnTheToolPoolTests(ToolPool target) : AnthropicClientTests(target);

[Collection(BareEngineCollection.Name)]
public sealed class AnthropicClientOnTheBareEngineTests(BareEngine target) : AnthropicClientTests(target);
