using System.Net.Http.Headers;
using System.Text.Json;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>What real clients are pointed at, and what they may expect there.</summary>
public abstract class ClientTarget : IAsyncLifetime
{
    public Uri Url { get; protected set; } = new("http://127.0.0.1");

    public string Key { get; protected set; } = "";

    public string Model { get; protected set; } = "";

    /// <summary>A word that every plain answer holds; empty where the text is anything.</summary>
    public virtual string Expected => "";

    /// <summary>True where the model answers an offered tool with a call; else the tools are only accepted.</summary>
    public virtual bool CallsTools => false;

    /// <summary>True where an unknown model is refused; else the default model serves it.</summary>
    public virtual bool StrictModels => false;

    /// <summary>Why there is nothing to point at; null when there is.</summary>
    public string? Unavailable { get; protected set; }

    /// <summary>Skips the test where the target cannot be had.</summary>
    public void Require() => Assert.SkipWhen(Unavailable is not null, Unavailable ?? "");

    public abstract ValueTask InitializeAsync();

    public abstract ValueTask DisposeAsync();

    /// <summary>The first model of the list, as an OpenAI client sees it.</summary>
    protected async Task<string> FirstModel()
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        var list = JsonDocument.Parse(await http.GetStringAsync(new Uri(Url, "/v1/models")));
        return list.RootElement.GetProperty("data")[0].GetProperty("id").GetString()!;
    }
}
