using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>Keeps what is logged, errors apart.</summary>
internal sealed class FaultLog : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<string> _faults = new();
    private readonly ConcurrentQueue<string> _news = new();

    /// <summary>The errors.</summary>
    public IReadOnlyCollection<string> All => _faults;

    /// <summary>Warnings and information, as level and message.</summary>
    public IReadOnlyCollection<string> News => _news;

    /// <summary>Called with warnings and information as they come.</summary>
    public Action<string>? Heard { get; set; }

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Error)
        {
            _faults.Enqueue($"{formatter(state, exception)} {exception}");
        }
        else
        {
            var line = $"{logLevel}: {formatter(state, exception)}";
            Heard?.Invoke(line);
            _news.Enqueue(line);
        }
    }

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }
}
