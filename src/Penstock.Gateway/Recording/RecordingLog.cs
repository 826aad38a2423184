using Microsoft.Extensions.Logging;

namespace Penstock.Gateway.Recording;

/// <summary>What the recording of decisions says in the log: once for each change, never for each try.</summary>
internal static partial class RecordingLog
{
    [LoggerMessage(60, LogLevel.Warning,
        "the decision log of pool {Pool} in {Directory} cannot be written; requests go on")]
    public static partial void Failed(ILogger logger, Exception fault, string pool, string directory);

    [LoggerMessage(61, LogLevel.Information, "the decision log of pool {Pool} in {Directory} is written again")]
    public static partial void Recovered(ILogger logger, string pool, string directory);

    [LoggerMessage(62, LogLevel.Warning,
        "the logs that are being written in {Directory} leave no room within {BytesMax} bytes; "
        + "some pools are not recorded: decision_log.max_size is too small for this fleet")]
    public static partial void Full(ILogger logger, string directory, long bytesMax);

    [LoggerMessage(63, LogLevel.Warning,
        "pool {Pool} is not recorded any more once its log is full: the state that the next begins with has "
        + "{StateBytes} bytes, and {BytesMax} can be had: decision_log.max_size is too small for this fleet")]
    public static partial void TooLarge(ILogger logger, string pool, long stateBytes, long bytesMax);
}
