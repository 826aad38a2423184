using System.Net;
using System.Text.Json;
using Penstock.Cli.Output;

namespace Penstock.Cli.Admin;

/// <summary>What the gateway answered: a JSON document, or in plain words why there is none.</summary>
internal sealed record AdminAnswer(JsonElement Body, string? Problem)
{
    public static AdminAnswer Of(JsonElement body) => new(body, null);

    public static AdminAnswer None(string problem) => new(default, problem);
}

/// <summary>Asks the admin API of a running gateway.</summary>
internal sealed class AdminClient : IDisposable
{
    private const int AnswerBytesMax = 64 * 1024 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;
    private readonly Uri _url;

    public AdminClient(Uri url, string? key)
    {
        _url = url;
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = !url.IsLoopback, AllowAutoRedirect = false })
        {
            Timeout = Patience,
            MaxResponseContentBufferSize = AnswerBytesMax,
        };
        if (key is not null)
        {
            _http.DefaultRequestHeaders.TryAddWithoutValidation("x-api-key", key);
        }
    }

    /// <summary>The document at <paramref name="path"/>, such as <c>admin/usage?by=day</c>.</summary>
    /// <param name="path">Relative to the admin address, already escaped.</param>
    /// <param name="missing">What a 404 of the admin port means here; null: it never answers so.</param>
    /// <param name="stop">Ends the wait.</param>
    public async Task<AdminAnswer> GetAsync(string path, string? missing, CancellationToken stop)
    {
        try
        {
            var address = new Uri($"{_url.AbsoluteUri.TrimEnd('/')}/{path}");
            using var response = await _http.GetAsync(address, stop);
            var text = await response.Content.ReadAsStringAsync(stop);
            return response.StatusCode switch
            {
                HttpStatusCode.OK => AdminAnswer.Of(JsonElement.Parse(text)),
                HttpStatusCode.NotFound => AdminAnswer.None(
                    missing is null || HasErrorType(text)
                        ? $"what answers at {_url} is not Penstock's admin port; say where that is with --admin-url"
                        : missing),
                HttpStatusCode.Unauthorized => AdminAnswer.None(
                    $"the gateway at {_url} does not know the key; give one with --key, PENSTOCK_KEY, or --data"),
                HttpStatusCode.Forbidden => AdminAnswer.None(
                    $"the gateway at {_url} knows the key, but it has no admin rights"),
                var status => AdminAnswer.None($"the gateway at {_url} answered {(int)status}{Reason(text)}"),
            };
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConnectionError)
        {
            return AdminAnswer.None(
                $"nothing is listening at {_url}; start 'penstock serve', or say where it is with --admin-url");
        }
        catch (HttpRequestException e)
        {
            return AdminAnswer.None($"asking {_url} failed: {e.Message}");
        }
        catch (JsonException)
        {
            return AdminAnswer.None($"what answers at {_url} does not speak JSON; is it Penstock's admin port?");
        }
        catch (TaskCanceledException) when (!stop.IsCancellationRequested)
        {
            return AdminAnswer.None($"{_url} did not answer within {Patience.TotalSeconds:0} s");
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Errors of the clients' port have a type, those of the admin port have none.</summary>
    private static bool HasErrorType(string body)
    {
        try
        {
            return JsonElement.Parse(body).Field("error") is { } error && error.Field("type") is not null;
        }
        catch (JsonException)
        {
            return true;
        }
    }

    private static string Reason(string body)
    {
        try
        {
            var message = JsonElement.Parse(body).Field("error") is { } error
                ? error.Text("message") ?? Fields.Show(error)
                : null;
            return message is null ? "" : $": {message}";
        }
        catch (JsonException)
        {
            return "";
        }
    }
}
