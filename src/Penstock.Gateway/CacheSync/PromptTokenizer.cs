using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using Penstock.Core.KvSync;
using Penstock.Core.Primitives;
using Penstock.Engines;
using Penstock.Engines.Probing;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.CacheSync;

/// <summary>
/// Finds the chain of a prompt's tokens by asking one of the pool's engines, which alone knows its template and
/// tokenizer. Bounded in time: what is not known by then is routed without. Requests with the same prompt share one
/// question, and engines that do not tell in time are left alone for a while. Thread-safe.
/// </summary>
internal sealed class PromptTokenizer : IDisposable
{
    /// <summary>A request waits no longer for its tokens.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);

    /// <summary>Bytes of chains kept.</summary>
    public const long CacheBytesMax = 64L << 20;

    private const int AnswerBytesMax = 64 << 20;

    private readonly EngineClient _client;
    private readonly TimeProvider _time;
    private readonly ChainCache _cache = new(CacheBytesMax);
    private readonly ConcurrentDictionary<UInt128, Task<CachedChain?>> _asking = new();
    private readonly ConditionalWeakTable<Replica, TellingPause> _pauses = [];
    private readonly ulong _secret;
    private long _asked;
    private long _found;
    private long _failed;
    private int _next;

    public PromptTokenizer(ulong secret, TimeProvider time)
    {
        _secret = secret;
        _time = time;
        _client = new EngineClient(time, new EngineClientLimits
        {
            Connect = Patience,
            Call = Patience,
            BodyBytesMax = AnswerBytesMax,
            ConnectionsMax = TellingPause.PlacesMax,
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

        var told = await ShareAsync(key, pool, chat, model, salt, cancel);
        cancel.ThrowIfCancellationRequested();
        if (told is null)
        {
            Interlocked.Increment(ref _failed);
        }
        else
        {
            chain.Fill(pool, told);
        }
    }

    public void Dispose() => _client.Dispose();

    /// <summary>One asks, and the others with the same prompt wait for what comes of it. The one that asks goes on
    /// when its client leaves: others may wait, and its body is being read.</summary>
    private async Task<CachedChain?> ShareAsync(
        UInt128 key, Pool pool, ReadOnlyMemory<byte> chat, string model, ReadOnlyMemory<byte> salt,
        CancellationToken cancel)
    {
        var mine = new TaskCompletionSource<CachedChain?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = _asking.GetOrAdd(key, mine.Task);
        if (asked != mine.Task)
        {
            return await asked.WaitAsync(cancel);
        }

        CachedChain? told = null;
        try
        {
            told = await AskAsync(pool, chat, model, salt);
            if (told is not null)
            {
                _cache.Add(key, told);
            }
        }
        finally
        {
            _asking.TryRemove(key, out _);
            mine.SetResult(told);
        }

        return told;
    }

    private async Task<CachedChain?> AskAsync(
        Pool pool, ReadOnlyMemory<byte> chat, string model, ReadOnlyMemory<byte> salt)
    {
        if (Choose(pool, out var begun) is not { Identity: { } identity } replica)
        {
            return null;
        }

        var ids = new ArrayBufferWriter<uint>();
        var isTold = await TellsAsync(identity, replica, begun, chat, ids);
        if (!isTold)
        {
            return null;
        }

        var scope = KvKeys.Scope(pool.Settings.Tokens.Model, AdapterOf(identity, model), salt.Span);
        using var chain = new TokenChain();
        chain.Fill(pool, scope, ids.WrittenSpan);
        return chain.Copy();
    }

    /// <summary>Asks one engine, once there is a place among those who do.</summary>
    private async Task<bool> TellsAsync(
        EngineIdentity identity, Replica replica, long begun, ReadOnlyMemory<byte> chat, ArrayBufferWriter<uint> ids)
    {
        var pause = PauseOf(replica);
        using var patience = new CancellationTokenSource(Patience, _time);
        if (!await EntersAsync(pause.Places, patience.Token))
        {
            return false;
        }

        var asked = _time.GetTimestamp();
        var isTold = false;
        Interlocked.Increment(ref _asked);
        try
        {
            isTold = await identity.Adapter.ReadPromptAsync(_client, replica.Endpoint, chat, ids, patience.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            // Routed without.
        }
        finally
        {
            pause.Places.Release();

            // A refusal is quick, and the fault of the prompt or of the engine: it costs no wait. Of one that waited
            // here for most of its time nothing is learned.
            var isLong = _time.GetElapsedTime(asked) >= Patience / 2;
            if (isTold || isLong || !patience.IsCancellationRequested)
            {
                pause.End(begun, isSlow: !isTold && isLong);
            }
        }

        return isTold;
    }

    private static async Task<bool> EntersAsync(SemaphoreSlim places, CancellationToken late)
    {
        try
        {
            await places.WaitAsync(late);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private TellingPause PauseOf(Replica replica) => _pauses.GetValue(replica, _ => new TellingPause(_time));

    /// <summary>Two hashes of other seeds: a chain is never taken for another's.</summary>
    private UInt128 KeyOf(Pool pool, ReadOnlySpan<byte> chat)
    {
        var seed = Hash64.Combine(pool.Settings.Tokens.Model, (ulong)pool.Keying.BlockLength);
        return new UInt128(
            KeyedHash.Of(chat, Hash64.Combine(~_secret, seed)), KeyedHash.Of(chat, Hash64.Combine(_secret, seed)));
    }

    /// <summary>The name of a LoRA adapter, as events name it; empty for a whole model.</summary>
    private static ReadOnlySpan<byte> AdapterOf(EngineIdentity engine, string model) =>
        engine.Models.Any(m => m.Id == model && m.Parent is not null) ? Encoding.UTF8.GetBytes(model) : default;

    /// <summary>One after the other, of those that can and are not left alone.</summary>
    private Replica? Choose(Pool pool, out long begun)
    {
        begun = 0;
        var first = (uint)Interlocked.Increment(ref _next);
        var replicas = pool.Replicas;
        for (var i = 0; i < replicas.Count; i++)
        {
            var replica = replicas[(int)((first + i) % replicas.Count)];
            if (replica.Identity?.Can(EngineCapabilities.Tokenize) == true && replica.Health.IsRoutable
                && PauseOf(replica).TryBegin(out begun))
            {
                return replica;
            }
        }

        return null;
    }
}
