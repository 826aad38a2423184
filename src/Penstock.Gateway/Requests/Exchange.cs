using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Penstock.Core.Config;
using Penstock.Core.Models;
using Penstock.Core.Prefixes;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Pools;
using Penstock.Wire.Scan;
using Penstock.Wire.Usage;

namespace Penstock.Gateway.Requests;

/// <summary>What a client asks of a model.</summary>
internal enum Operation : byte
{
    Generate,
    CountTokens,
}

/// <summary>
/// All that belongs to one request while it lasts. Pooled: <see cref="Begin"/> starts a use, <see cref="End"/> gives
/// back what was rented. Touched by the request's own flow, and by the watchdog through the members that say so.
/// </summary>
internal sealed class Exchange : IDisposable
{
    private readonly SemaphoreSlim _writing = new(1, 1);

    /// <summary>Held while the watchdog acts, so that it acts on the use that it looked at.</summary>
    private readonly Lock _watch = new();

    private CancellationTokenRegistration _clientGone;
    private long _lastActivity;
    private long _allowedTicks;
    private int _expired;

    /// <param name="jsonDepthMax">Levels of nesting that a body may have.</param>
    /// <param name="scopeSeed">See <see cref="CacheScope"/>.</param>
    public Exchange(int jsonDepthMax, ulong scopeSeed)
    {
        Scan = new BodyScan(jsonDepthMax);
        ScopeSeed = scopeSeed;
    }

    public ulong ScopeSeed { get; }

    public BodyScan Scan { get; }

    public BodyBuffer Body { get; } = new();

    /// <summary>The answer of an engine, where it is needed whole.</summary>
    public BodyBuffer Answer { get; } = new();

    /// <summary>What a translation made, of the request or of the answer.</summary>
    public BodyBuffer Translated { get; } = new();

    public PrefixChainBuilder Chain { get; } = new();

    /// <summary>The chain of the prompt's tokens, for a pool that wants it.</summary>
    public TokenChain Tokens { get; } = new();

    public StreamTap Tap { get; } = new();

    public HttpContext Http { get; private set; } = null!;

    public FleetSnapshot Fleet { get; private set; } = null!;

    public Fleet Pools { get; private set; } = null!;

    public Dialect Dialect { get; private set; }

    public Operation Operation { get; private set; }

    public Guid Id { get; private set; }

    /// <summary>The request's id as the client sees it.</summary>
    public string IdText { get; private set; } = "";

    /// <summary>Timestamp of the request's head.</summary>
    public long StartedAt { get; private set; }

    public DateTimeOffset StartedUtc { get; private set; }

    public KeySnapshot Key { get; set; } = null!;

    public ModelSnapshot Model { get; set; } = null!;

    /// <summary>The model's name was not known and went to the default model.</summary>
    public bool ModelSubstituted { get; set; }

    /// <summary>The decisions of this request; null until the first one.</summary>
    public DecisionRecord? Record { get; set; }

    public int Attempts { get; set; }

    public AttemptInFlight Attempt { get; } = new();

    /// <summary>The span of this request; null where nobody records it.</summary>
    public Activity? Span { get; set; }

    /// <summary>Time spent waiting for engines, in timestamp ticks.</summary>
    public long EngineTicks { get; set; }

    /// <summary>The gateway's own share of the time until the answer began; null before that.</summary>
    public TimeSpan? Overhead { get; set; }

    /// <summary>Cancels what is under way upstream: the client left, or a watchdog ran out.</summary>
    public CancellationTokenSource Upstream { get; private set; } = new();

    /// <summary>The client went away.</summary>
    public bool ClientGone => Http.RequestAborted.IsCancellationRequested;

    /// <summary>A watchdog ended the engine's part.</summary>
    public bool Expired => Volatile.Read(ref _expired) != 0;

    /// <summary>
    /// Only its holder writes to the response: the relay, or the watchdog that puts a ping into a silence.
    /// </summary>
    public SemaphoreSlim Writing => _writing;

    /// <summary>The response is an event stream that has begun and may carry pings. Read by the watchdog.</summary>
    public bool MayPing { get; set; }

    /// <summary>Bytes wait for the client: the silence is not the engine's. Read by the watchdog.</summary>
    public bool WaitsForClient { get; set; }

    /// <summary>Timestamp of the last byte written to the client's stream. Written by relay and watchdog.</summary>
    public long LastWrite { get; set; }

    public FailureTally Failures { get; } = new();

    public void Begin(HttpContext http, Fleet pools, Dialect dialect, Operation operation, TimeProvider time)
    {
        Http = http;
        Pools = pools;
        Fleet = pools.Snapshot;
        Dialect = dialect;
        Operation = operation;
        StartedAt = time.GetTimestamp();
        StartedUtc = time.GetUtcNow();
        Id = RequestIds.Next(StartedUtc);
        IdText = RequestIds.Format(Id);
        Scan.Start(dialect, operation == Operation.CountTokens);
        Record = null;
        Attempts = 0;
        EngineTicks = 0;
        Overhead = null;
        ModelSubstituted = false;
        MayPing = false;
        WaitsForClient = false;
        Key = null!;
        Model = null!;
        Failures.Clear();
        Attempt.Clear();
        _expired = 0;
        _allowedTicks = 0;
        _clientGone = http.RequestAborted.UnsafeRegister(static x => ((Exchange)x!).Upstream.Cancel(), this);
    }

    /// <summary>Goes on with a newer fleet.</summary>
    public void Use(Fleet pools)
    {
        Pools = pools;
        Fleet = pools.Snapshot;
    }

    /// <summary>Gives back what was rented; the exchange may be used again.</summary>
    public void End()
    {
        // Both wait for what is under way, so that it cannot reach the next use.
        _clientGone.Dispose();
        AllowAnything();
        Body.Dispose();
        Answer.Dispose();
        Translated.Dispose();
        Chain.Dispose();
        Tokens.Dispose();
        Tap.Dispose();
        Http = null!;
        Fleet = null!;
        Pools = null!;
        Record = null;
        if (!Upstream.TryReset())
        {
            // Not disposed of: the watchdog may hold it, and without a timer it holds nothing.
            Upstream = new CancellationTokenSource();
        }
    }

    /// <summary>Gives back the request: it is with the engine, and will be sent to no other. Its chain stays: the
    /// pool is told again at the end what the replica now holds.</summary>
    public void ReleaseRequest()
    {
        Body.Release();
        Translated.Dispose();
    }

    /// <summary>For one that is not to be used again.</summary>
    public void Dispose()
    {
        Body.Dispose();
        Answer.Dispose();
        Translated.Dispose();
        Chain.Dispose();
        Tokens.Dispose();
        Tap.Dispose();
        Upstream.Dispose();
        _writing.Dispose();
    }

    /// <summary>The prompt as a pool keys it; the same from the decision to the end of the attempt.</summary>
    public PromptPrefix PromptFor(Pool pool) =>
        Operation != Operation.Generate ? default
        : pool.Keying.AreTokens ? Tokens.PromptFor(pool, Chain.Bytes)
        : Chain.Prompt;

    /// <summary>Starts the watchdog of a phase: silence longer than this from now on ends the engine's part.</summary>
    public void Allow(TimeSpan silence, long now, long frequency)
    {
        Volatile.Write(ref _lastActivity, now);
        Volatile.Write(ref _allowedTicks, (long)(silence.TotalSeconds * frequency));
    }

    /// <summary>What ended the attempt before does not end the next one.</summary>
    public void Rearm()
    {
        AllowAnything();
        if (Expired)
        {
            Upstream = new CancellationTokenSource();
            Volatile.Write(ref _expired, 0);
            if (ClientGone)
            {
                Upstream.Cancel();
            }
        }
    }

    /// <summary>Something came from the engine.</summary>
    public void Touch(long now) => Volatile.Write(ref _lastActivity, now);

    /// <summary>No watchdog from here on; waits for one that has just run out.</summary>
    public void AllowAnything()
    {
        lock (_watch)
        {
            Volatile.Write(ref _allowedTicks, 0);
        }
    }

    /// <summary>Called by the watchdog.</summary>
    public void ExpireIfDue(long now)
    {
        if (!IsDue(now))
        {
            return;
        }

        lock (_watch)
        {
            if (!IsDue(now))
            {
                return;
            }

            if (WaitsForClient)
            {
                Http.Abort();
            }
            else if (Interlocked.Exchange(ref _expired, 1) == 0)
            {
                Upstream.Cancel();
            }
        }
    }

    private bool IsDue(long now)
    {
        var allowed = Volatile.Read(ref _allowedTicks);
        return allowed > 0 && now - Volatile.Read(ref _lastActivity) > allowed;
    }
}
