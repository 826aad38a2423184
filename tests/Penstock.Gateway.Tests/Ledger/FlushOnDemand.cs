namespace Penstock.Gateway.Tests.Ledger;

/// <summary>A clock whose one timer fires when the test says so.</summary>
internal sealed class FlushOnDemand : TimeProvider
{
    private Action _fire = () => { };

    public void Fire() => _fire();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        _fire = () => callback(state);
        return new NoTimer();
    }

    private sealed class NoTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
