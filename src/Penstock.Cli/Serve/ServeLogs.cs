using System.Text.Encodings.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Penstock.Cli.Serve;

/// <summary>The least important level that is logged: known only once the configuration is. Thread-safe.</summary>
internal sealed class ServeLogLevel
{
    private volatile LogLevel _least = LogLevel.Information;

    /// <param name="name">As the configuration has it, such as <c>warning</c>.</param>
    public void Set(string name) => _least = Enum.TryParse<LogLevel>(name, ignoreCase: true, out var level)
        ? level
        : LogLevel.Information;

    public bool Allows(LogLevel level) => level >= _least && level != LogLevel.None;
}

/// <summary>
/// Where a serving process logs: JSON, a line each, on standard error. Standard output carries the banner and nothing
/// else. A reader that is too slow loses messages instead of holding the gateway up.
/// </summary>
internal static class ServeLogs
{
    public static ILoggerFactory Create(ServeLogLevel level) => LoggerFactory.Create(builder =>
    {
        builder.SetMinimumLevel(LogLevel.Trace).AddFilter(level.Allows);
        builder.AddJsonConsole(static console =>
        {
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";
            console.JsonWriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        });
        builder.Services.Configure<ConsoleLoggerOptions>(static console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        });
    });
}
