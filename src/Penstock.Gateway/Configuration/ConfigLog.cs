using Microsoft.Extensions.Logging;
using Penstock.Core.Config;

namespace Penstock.Gateway.Configuration;

internal static partial class ConfigLog
{
    [LoggerMessage(Level = LogLevel.Information,
        Message = "configuration {Version} is in force: {Models} models, {Pools} pools")]
    public static partial void Applied(ILogger log, long version, int models, int pools);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "the new configuration has {Count} errors and is not used; version {Version} stays in force")]
    public static partial void Refused(ILogger log, int count, long version);

    [LoggerMessage(Level = LogLevel.Error, Message = "configuration: {Error}")]
    public static partial void RefusedBecause(ILogger log, ConfigError error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "changed settings that wait for a restart: {Settings}")]
    public static partial void RestartNeeded(ILogger log, string settings);

    [LoggerMessage(Level = LogLevel.Error, Message = "a listener to configuration {Version} failed")]
    public static partial void HandlerFailed(ILogger log, long version, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "the configuration's folder cannot be watched; it is looked at every {Seconds} s instead")]
    public static partial void NotWatched(ILogger log, double seconds, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "looking at the configuration failed; the next look is due")]
    public static partial void LookFailed(ILogger log, Exception exception);
}
