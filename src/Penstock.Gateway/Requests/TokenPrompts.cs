using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Penstock.Core.Models;
using Penstock.Engines.Http;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Pools;
using Penstock.Wire.Turns;

namespace Penstock.Gateway.Requests;

/// <summary>Gets a request's prompt into the form in which engines tell its tokens, and has them told, before it is
/// routed. Only for pools that are keyed by tokens; the others never come here.</summary>
/// <param name="tokenizer">Asks.</param>
/// <param name="jsonDepthMax">Levels of nesting that a body may have.</param>
internal sealed class TokenPrompts(PromptTokenizer tokenizer, int jsonDepthMax) : IDisposable
{
    /// <summary>Levels that a translation may add.</summary>
    private const int DepthAdded = 16;

    private readonly JsonReaderOptions _reading = new() { MaxDepth = jsonDepthMax + DepthAdded };

    public PromptTokenizer Tokenizer => tokenizer;

    /// <summary>The first pool of the request's model that is keyed by tokens and can take it; null: none, or the
    /// engine is asked not to look into its cache.</summary>
    public static Pool? PoolFor(Exchange x)
    {
        if (x.Operation != Operation.Generate || x.Scan.SkipsCache)
        {
            return null;
        }

        foreach (var snapshot in x.Model.Pools)
        {
            if (snapshot.KeysAreTokens && x.Pools.Find(snapshot.Name) is { HasEligible: true } pool)
            {
                return pool;
            }
        }

        return null;
    }

    public async Task PrepareAsync(Exchange x, Pool pool)
    {
        using var translated = new BodyBuffer();
        if (ChatOf(x, pool, translated) is { } chat)
        {
            await tokenizer.FillAsync(
                pool, chat, ModelOf(x, pool), SaltOf(chat), x.Tokens, x.Http.RequestAborted);
        }
    }

    public void Dispose() => tokenizer.Dispose();

    /// <summary>What keeps the prompt's cache apart: as the client says, since engines read it from the same body.
    /// </summary>
    private ReadOnlyMemory<byte> SaltOf(ReadOnlyMemory<byte> chat)
    {
        // Looked for in most prompts in vain; its letters may be escaped.
        if (chat.Span.IndexOf("\"cache_salt\""u8) < 0 && chat.Span.IndexOf("\\u00"u8) < 0)
        {
            return default;
        }

        try
        {
            return ReadSalt(chat.Span);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No text, such as half of a surrogate pair: the engine will say what it makes of that.
            return default;
        }
    }

    /// <summary>Of several the last, as engines have it.</summary>
    private byte[]? ReadSalt(ReadOnlySpan<byte> chat)
    {
        byte[]? salt = null;
        var reader = new Utf8JsonReader(chat, _reading);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isSalt = reader.ValueTextEquals("cache_salt"u8);
            reader.Read();
            if (isSalt)
            {
                salt = reader.TokenType == JsonTokenType.String ? Encoding.UTF8.GetBytes(reader.GetString()!) : null;
            }

            reader.Skip();
        }

        return salt;
    }

    /// <summary>The name that the engine is asked for.</summary>
    private static string ModelOf(Exchange x, Pool pool) => pool.Snapshot.UpstreamModel ?? x.Model.Id;

    /// <summary>The prompt as a chat completion; null where the body cannot be translated, which its dispatch will
    /// say.</summary>
    private static ReadOnlyMemory<byte>? ChatOf(Exchange x, Pool pool, BodyBuffer output)
    {
        var model = ModelOf(x, pool);
        if (x.Dialect != Dialect.OpenAiChat)
        {
            var settings = new TranslationSettings
            {
                EngineModel = model,
                ClientModel = x.Scan.Model,
                AnswerId = "",
                DefaultMaxTokens = x.Model.MaxOutputTokens ?? 4096,
                ReasoningContent = true,
                EngineExtensions = true,
            };
            return DialectPair.Of(x.Dialect, Dialect.OpenAiChat)
                .TranslateRequest(x.Body.Memory, settings, output, out _) is null ? output.Memory : null;
        }

        if (model == x.Scan.Model)
        {
            return x.Body.Memory;
        }

        var body = new SplicedBody(x.Body.Memory);
        var encoded = JsonEncodedText.Encode(model, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
        byte[] quoted = [(byte)'"', .. encoded.EncodedUtf8Bytes, (byte)'"'];
        body.Replace(x.Scan.ModelRange, quoted);
        body.CopyTo(output.GetSpan((int)body.Length));
        output.Advance((int)body.Length);
        return output.Memory;
    }
}
