using System.Text;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>The client's end of a stream, read piece by piece.</summary>
internal sealed class StreamReading(HttpResponseMessage response) : IAsyncDisposable
{
    private Stream? _stream;

    public HttpResponseMessage Response => response;

    /// <summary>Reads as many bytes as <paramref name="expected"/> has, which must be those.</summary>
    public async Task<bool> ReadAsync(string expected)
    {
        var buffer = new byte[Encoding.UTF8.GetByteCount(expected)];
        await (await OpenAsync()).ReadExactlyAsync(buffer, RunningGateway.Guard);
        Assert.Equal(expected, Encoding.UTF8.GetString(buffer));
        return true;
    }

    public async Task<string> ReadToEndAsync()
    {
        using var reader = new StreamReader(await OpenAsync(), leaveOpen: true);
        return await reader.ReadToEndAsync(RunningGateway.Guard);
    }

    /// <summary>The client goes away.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stream is not null)
        {
            await _stream.DisposeAsync();
        }

        response.Dispose();
    }

    private async Task<Stream> OpenAsync() =>
        _stream ??= await response.Content.ReadAsStreamAsync(RunningGateway.Guard);
}
