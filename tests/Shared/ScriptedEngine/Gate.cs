namespace Penstock.Tests.Shared;

/// <summary>
/// A phase barrier between a script and its test: the script says that it has arrived and waits; the test awaits the
/// arrival, looks around, and opens the gate. It replaces every sleep.
/// </summary>
internal sealed class Gate
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when a script stands before the gate.</summary>
    public Task Reached => _reached.Task;

    /// <summary>Everything gets through.</summary>
    public bool IsOpen => _opened.Task.IsCompleted;

    /// <summary>Lets everything through, now and later.</summary>
    public void Open() => _opened.TrySetResult();

    /// <summary>Called by the script: announces itself and waits.</summary>
    public Task PassAsync(CancellationToken cancel)
    {
        _reached.TrySetResult();
        return _opened.Task.WaitAsync(cancel);
    }
}
