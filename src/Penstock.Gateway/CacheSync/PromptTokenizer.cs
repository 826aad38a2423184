using System.Buffers;
using System.Text;
using Penstock.Core.KvSync;
using Penstock.Core.Primitives;
using Penstock.Engines;
using Penstock.Engines.Probing;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.CacheSync;

/// <summary>
/// Finds the chain of a prompt's tokens by asking one of the pool's engines, which alone knows its template and
/// tokenizer. Bounded in time: what is not known by then is routed without. Thread-safe.
/// </summary>
internal sealed class PromptTokenizer : IDisposable
{
    /// <summary>A request waits no longer for its tokens.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);

    /// <summary>Bytes of chains kept.</summary>
    public const long CacheBytesMax = 64L << 20;

    private const int AnswerBytesMax = 64 << 20;

    private readonly EngineClient _client;
    private readonly ChainCache _cache = new(CacheBytesMax);
    private readonly ulong _secret;
    private long _asked;
    private long _found;
    private long _failed;
    private int _next;

    public PromptTokenizer(ulong secret, TimeProvider time)
    {
        _secret = secret;
        _client = new EngineClient(time, new EngineClientLimits
        {
            Connect = Patience,
            Call = Patience,
            BodyBytesMax = AnswerBytesMax,
        });
    }

    /// <summary>Prompts that engines were asked about.</summary>
    public long Asked => Volatile.Read(ref _asked);

    /// <summary>Prompts that were known.</summary>
    public long Found => Volatile.Read(ref _found);

    /// <summary>Prompts that were routed without their tokens.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Bytes of the chains kept now.</summary>
    public long CacheBytes => _cache.Bytes;

    /// <summary>Fills in the chain, or leaves it empty where no engine tells it in time.</summary>
    /// <param name="pool">Whose engines are asked, and who the chain is for.</param>
    /// <param name="chat">The prompt as a body of a chat completion.</param>
    /// <param name="model">The name that the engine is asked for, which may be an adapter's.</param>
    /// <param name="salt">What keeps its cache apart, UTF-8; empty: nothing.</param>
    /// <param name="chain">To be filled.</param>
    /// <param name="cancel">The client left.</param>
    public async Task FillAsync(
        Pool pool, ReadOnlyMemory<byte> chat, string model, ReadOnlyMemory<byte> salt, TokenChain chain,
        CancellationToken cancel)
    {
        var key = KeyOf(pool, chat.Span);
        if (_cache.Find(key) is { } known)
        {
            Interlocked.Increment(ref _found);
            chain.Fill(pool, known);
            return;
        }

        if (Choose(pool) is not { Identity: { } identity } replica)
        {
            Interlocked.Increment(ref _failed);
            return;
        }

        Interlocked.Increment(ref _asked);
        var ids = new ArrayBufferWriter<uint>();
        if (!await identity.Adapter.ReadPromptAsync(_client, replica.Endpoint, chat, ids, cancel))
        {
            Interlocked.Increment(ref _failed);
            return;
        }

        var scope = KvKeys.Scope(pool.Tokens.Model, AdapterOf(identity, model), salt.Span);
        chain.Fill(pool, scope, ids.WrittenSpan);
        _cache.Add(key, chain.Copy());
    }

    public void Dispose() => _client.Dispose();

    /// <summary>Two hashes of other seeds: a chain is never taken for another's.</summary>
    private UInt128 KeyOf(Pool pool, ReadOnlySpan<byte> chat)
    {
        var seed = Hash64.Combine(pool.Tokens.Model, (ulong)pool.Keying.BlockLength);
        return new UInt128(
            KeyedHash.Of(chat, Hash64.Combine(~_secret, seed)), KeyedHash.Of(chat, Hash64.Combine(_secret, seed)));
    }

    /// <summary>The name of a LoRA adapter, as events name it; empty for a whole model.</summary>
    private static ReadOnlySpan<byte> AdapterOf(EngineIdentity engine, string model) =>
        engine.Models.Any(m => m.Id == model && m.Parent is not null) ? Encoding.UTF8.GetBytes(model) : default;

    /// <summary>One after the other, of those that can.</summary>
    private Replica? Choose(Pool pool)
    {
        var first = (uint)Interlocked.Increment(ref _next);
        var replicas = pool.Replicas;
        for (var i = 0; i < replicas.Count; i++)
        {
            var replica = replicas[(int)((first + i) % replicas.Count)];
            if (replica.Identity?.Can(EngineCapabilities.Tokenize) == true && replica.Health.IsRoutable)
            {
                return replica;
            }
        }

        return null;
    }
}
