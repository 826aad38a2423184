using System.Collections.Concurrent;

namespace Penstock.Tests.Shared.Personalities;

/// <summary>What a scripted engine is and how it fares just now. Change it while the engine serves.</summary>
internal sealed class EngineFacts
{
    private ReceivedRequest? _taker;
    private string _taken = "[]";

    public string Model { get; set; } = "test-model";

    public string Version { get; set; } = "1.2.3";

    public string? OwnedBy { get; set; }

    /// <summary>The credential that it wants; null: none.</summary>
    public string? Key { get; set; }

    public long ContextTokens { get; set; } = 32_768;

    public bool Healthy { get; set; } = true;

    public int Running { get; set; }

    public int Waiting { get; set; }

    public double KvUsage { get; set; }

    /// <summary>Events of the cache that nobody has asked for yet: JSON objects.</summary>
    public ConcurrentQueue<string> Events { get; } = new();

    public string Answer { get; set; } = "Hello there";

    /// <summary>Tokens of every prompt of a message, beside two that were cached.</summary>
    public int InputTokens { get; set; } = 10;

    /// <summary>All events there are, as a list; they are gone then. A scripted engine looks up the answer to a
    /// request twice, with its head and with its body: the same one both times.</summary>
    public string TakeEvents(ReceivedRequest by)
    {
        lock (Events)
        {
            if (_taker != by)
            {
                (_taker, _taken) = (by, TakeEvents());
            }

            return _taken;
        }
    }

    public string TakeEvents()
    {
        var taken = new List<string>();
        while (Events.TryDequeue(out var next))
        {
            taken.Add(next);
        }

        return $"[{string.Join(',', taken)}]";
    }
}
