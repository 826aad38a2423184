namespace Penstock.Gateway.Ledger;

/// <summary>The names of outcomes in reports and decision records.</summary>
internal static class AttemptOutcomes
{
    public static string NameOf(AttemptOutcome outcome) => outcome switch
    {
        AttemptOutcome.Completed => "completed",
        AttemptOutcome.ClientGone => "client_gone",
        AttemptOutcome.EngineFailed => "engine_failed",
        AttemptOutcome.EngineTimeout => "engine_timeout",
        AttemptOutcome.RefusedByEngine => "refused_by_engine",
        AttemptOutcome.NotReached => "not_reached",
        AttemptOutcome.ProcessDied => "process_died",
        _ => "aborted",
    };
}
