namespace Penstock.Gateway.Requests;

/// <summary>How often requests in flight are looked at for silence: one timer for all instead of one each.</summary>
internal static class Watchdog
{
    public static TimeSpan Interval { get; } = TimeSpan.FromMilliseconds(250);
}
