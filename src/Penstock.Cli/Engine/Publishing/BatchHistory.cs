namespace Penstock.Cli.Engine.Publishing;

/// <summary>A published batch: its number in the life of the process, and its bytes.</summary>
internal readonly record struct EventBatch(long Life, ulong Number, ReadOnlyMemory<byte> Payload);

/// <summary>Numbers batches and keeps the newest for those who missed them. Thread-safe.</summary>
internal sealed class BatchHistory(int batchesMax)
{
    private readonly Lock _gate = new();
    private readonly Queue<EventBatch> _kept = [];
    private long _life;
    private ulong _next;

    /// <summary>How often the engine has died.</summary>
    public long Life => Interlocked.Read(ref _life);

    public EventBatch Add(ReadOnlyMemory<byte> payload)
    {
        lock (_gate)
        {
            var batch = new EventBatch(_life, _next++, payload);
            if (batchesMax > 0)
            {
                if (_kept.Count == batchesMax)
                {
                    _kept.Dequeue();
                }

                _kept.Enqueue(batch);
            }

            return batch;
        }
    }

    /// <summary>What is kept from that number on.</summary>
    public IReadOnlyList<EventBatch> From(ulong number)
    {
        lock (_gate)
        {
            return [.. _kept.Where(batch => batch.Number >= number)];
        }
    }

    /// <summary>A new process: it has published nothing and counts from 0.</summary>
    public void Restart()
    {
        lock (_gate)
        {
            _kept.Clear();
            _next = 0;
            Interlocked.Increment(ref _life);
        }
    }
}
