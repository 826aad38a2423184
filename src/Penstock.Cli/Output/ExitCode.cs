namespace Penstock.Cli.Output;

/// <summary>What a command's exit code means; the same for all of them.</summary>
public static class ExitCode
{
    /// <summary>Done, and it held.</summary>
    public const int Ok = 0;

    /// <summary>It did not hold, or could not be found out.</summary>
    public const int Failed = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int BadUsage = 2;
}
