namespace Penstock.Gateway.Tests.Cluster;

/// <summary>Waits for what nobody announces. Ends a test that would hang.</summary>
internal static class Until
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public static async Task TrueAsync(Func<bool> holds)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        late.CancelAfter(s_patience);
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!holds())
        {
            await look.WaitForNextTickAsync(late.Token);
        }
    }
}
