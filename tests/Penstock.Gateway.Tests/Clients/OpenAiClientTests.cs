using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>The official OpenAI package for C#. It asks for usage on every stream.</summary>
public abstract class OpenAiClientTests
{
    private readonly ClientTarget _target;
    private readonly OpenAIClient _client;

    protected OpenAiClientTests(ClientTarget target)
    {
        target.Require();
        _target = target;
        _client = ClientWith(target.Key);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static ChatCompletionOptions Short => new() { MaxOutputTokenCount = 48 };

    private static ChatCompletionOptions WithTheWeather => new()
    {
        MaxOutputTokenCount = 48,
        Tools =
        {
            ChatTool.CreateFunctionTool(
                "get_weather",
                "The weather in a city.",
                BinaryData.FromString(
                    """{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}""")),
        },
    };

    private ChatClient Chat => _client.GetChatClient(_target.Model);

    [Fact]
    public async Task A_completion_comes_back_whole()
    {
        ChatCompletion completion = await Chat.CompleteChatAsync([new UserChatMessage("Say hi.")], Short, Cancellation);
        AssertAnswer(completion.Content[0].Text);
        Assert.True(completion.Usage.InputTokenCount > 0);
        Assert.True(completion.Usage.OutputTokenCount > 0);
        Assert.True(completion.FinishReason is ChatFinishReason.Stop or ChatFinishReason.Length);
    }

    [Fact]
    public async Task A_stream_adds_up_to_an_answer_and_ends_with_its_usage()
    {
        var text = "";
        ChatTokenUsage? usage = null;
        ChatFinishReason? finish = null;
        await foreach (var update in Chat.CompleteChatStreamingAsync(
            [new UserChatMessage("Say hi.")], Short, Cancellation))
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            usage = update.Usage ?? usage;
            finish = update.FinishReason ?? finish;
        }

        AssertAnswer(text);
        Assert.True(usage?.OutputTokenCount > 0);
        Assert.NotNull(finish);
    }

    [Fact]
    public async Task A_tool_loop_ends_with_an_answer()
    {
        var turns = new List<ChatMessage> { new UserChatMessage("How is the weather in Oslo?") };
        ChatCompletion first = await Chat.CompleteChatAsync(turns, WithTheWeather, Cancellation);
        Assert.Equal(_target.CallsTools, first.FinishReason == ChatFinishReason.ToolCalls);

        // A model that does not call gets the call put into its mouth: the second turn is the same.
        var call = first.ToolCalls is [var made, ..]
            ? made
            : ChatToolCall.CreateFunctionToolCall(
                "call_check", "get_weather", BinaryData.FromString("""{"city":"Oslo"}"""));
        Assert.Equal("""{"city":"Oslo"}""", call.FunctionArguments.ToString());
        turns.Add(new AssistantChatMessage([call]));
        turns.Add(new ToolChatMessage(call.Id, "sunny, 21 degrees"));
        ChatCompletion answer = await Chat.CompleteChatAsync(turns, WithTheWeather, Cancellation);
        Assert.NotEqual("", answer.Content[0].Text.Trim());
        if (_target.CallsTools)
        {
            Assert.Contains("sunny, 21 degrees", answer.Content[0].Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Models_are_listed_and_found_by_name()
    {
        var models = _client.GetOpenAIModelClient();
        var list = await models.GetModelsAsync(Cancellation);
        Assert.Contains(list.Value, m => m.Id == _target.Model);
        Assert.Equal(_target.Model, (await models.GetModelAsync(_target.Model, Cancellation)).Value.Id);
    }

    [Fact]
    public async Task A_wrong_key_is_refused_with_401_and_a_request_id()
    {
        var error = await Assert.ThrowsAsync<ClientResultException>(() =>
            ClientWith("sk-not-a-key-of-this-gateway").GetChatClient(_target.Model)
                .CompleteChatAsync([new UserChatMessage("Say hi.")], Short, Cancellation));
        Assert.Equal(401, error.Status);
        Assert.True(error.GetRawResponse()!.Headers.TryGetValue("x-request-id", out var id) && id!.Length > 0);
    }

    [Fact]
    public async Task A_model_that_is_not_there_is_refused_with_404()
    {
        var error = await Assert.ThrowsAsync<ClientResultException>(() =>
            _client.GetOpenAIModelClient().GetModelAsync("no-such-model-anywhere", Cancellation));
        Assert.Equal(404, error.Status);
    }

    private OpenAIClient ClientWith(string key) => new(
        new ApiKeyCredential(key),
        new OpenAIClientOptions
        {
            Endpoint = new Uri(_target.Url, "/v1"),
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
        });

    private void AssertAnswer(string text)
    {
        Assert.NotEqual("", text.Trim());
        Assert.Contains(_target.Expected, text, StringComparison.OrdinalIgnoreCase);
    }
}

[Collection(DemoPoolCollection.Name)]
public sealed class OpenAiClientOnTheDemoPoolTests(DemoPool target) : OpenAiClientTests(target);

[Collection(LlamaServersCollection.Name)]
public sealed class OpenAiClientOnLlamaServersTests(LlamaServers target) : OpenAiClientTests(target);

[Collection(ToolPoolCollection.Name)]
public sealed class OpenAiClientOnTheToolPoolTests(ToolPool target) : OpenAiClientTests(target);

[Collection(BareEngineCollection.Name)]
public sealed class OpenAiClientOnTheBareEngineTests(BareEngine target) : OpenAiClientTests(target);
