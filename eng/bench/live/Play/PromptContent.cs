using System.Net;
using System.Net.Http.Headers;
using Penstock.LiveBench.Sessions;

namespace Penstock.LiveBench.Play;

/// <summary>A body in three pieces that are sent as they lie: the fields, the prompt, the end.</summary>
internal sealed class PromptContent : HttpContent
{
    private readonly byte[] _fields;
    private readonly ReadOnlyMemory<byte> _prompt;
    private readonly ReadOnlyMemory<byte> _end;

    public PromptContent(byte[] fields, Transcript transcript)
    {
        _fields = fields;
        _prompt = transcript.Prompt(out _end);
        Headers.ContentType = new MediaTypeHeaderValue("application/json");
    }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.WriteAsync(_fields);
        await stream.WriteAsync(_prompt);
        await stream.WriteAsync(_end);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _fields.Length + _prompt.Length + _end.Length;
        return true;
    }
}
