using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Penstock.Core.Config;

namespace Penstock.Gateway.Configuration;

/// <summary>
/// A document in a file, applied to a <see cref="FleetSource"/> whenever it changes. The file system's notices make it
/// quick; a look every few seconds makes it certain (network drives, replaced links). Content decides, not times.
/// </summary>
public sealed class ConfigFile : IDisposable
{
    /// <summary>How often the file is looked at without a notice.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    private readonly Func<PenstockConfig, PenstockConfig>? _overlay;
    private readonly SecretReader _secrets;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _notice = new(0, 1);
    private string? _seen;

    private ConfigFile(
        string path, Func<PenstockConfig, PenstockConfig>? overlay, TimeProvider time, ILogger log)
    {
        FullPath = Path.GetFullPath(path);
        _overlay = overlay;
        _time = time;
        _log = log;
        _secrets = SecretReader.FromProcess(Path.GetDirectoryName(FullPath)!);
    }

    public string FullPath { get; }

    /// <summary>The snapshot in force, and how it stands.</summary>
    public FleetSource Source { get; private set; } = null!;

    /// <summary>Reads the file for the first time. Without a file object, the errors say why.</summary>
    /// <param name="path">The document.</param>
    /// <param name="overlay">Laid over every reading of it, such as command-line options.</param>
    /// <param name="time">Times and waits.</param>
    /// <param name="logs">Where changes and refusals are reported.</param>
    public static (ConfigFile? File, ImmutableArray<ConfigError> Errors) Open(
        string path, Func<PenstockConfig, PenstockConfig>? overlay, TimeProvider time, ILoggerFactory logs)
    {
        var file = new ConfigFile(path, overlay, time, logs.CreateLogger<ConfigFile>());
        var (text, error) = ConfigLoader.ReadFile(file.FullPath);
        if (text is null)
        {
            file.Dispose();
            return (null, [error!]);
        }

        var first = file.Load(text, version: 1);
        if (FleetSource.TryCreate(first, time, logs.CreateLogger<FleetSource>()) is not { } source)
        {
            file.Dispose();
            return (null, first.Errors);
        }

        file.Source = source;
        file._seen = file.Mark(text);
        return (file, []);
    }

    /// <summary>Follows the file until cancelled. One call at a time.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var watcher = Watch();
        using var look = new PeriodicTimer(LookEvery, _time);
        var due = look.WaitForNextTickAsync(stop).AsTask();
        var noticed = _notice.WaitAsync(stop);
        while (!stop.IsCancellationRequested)
        {
            var first = await Task.WhenAny(due, noticed);
            if (stop.IsCancellationRequested)
            {
                return;
            }

            if (first == due)
            {
                due = look.WaitForNextTickAsync(stop).AsTask();
            }
            else
            {
                noticed = _notice.WaitAsync(stop);
            }

            Look();
        }
    }

    /// <summary>Reads the file if it changed since the last look, and applies it if nothing is wrong with it.</summary>
    internal void Look()
    {
        try
        {
            var (text, error) = ConfigLoader.ReadFile(FullPath);
            var mark = text is null ? error!.Message : Mark(text);
            if (mark == _seen)
            {
                return;
            }

            _seen = mark;
            if (text is null)
            {
                Source.Refuse([error!]);
            }
            else
            {
                Source.Apply(version => Load(text, version));
            }
        }
#pragma warning disable CA1031 // A look that fails must not end the following of the file.
        catch (Exception e)
#pragma warning restore CA1031
        {
            ConfigLog.LookFailed(_log, e);
        }
    }

    public void Dispose() => _notice.Dispose();

    private ConfigLoad Load(string text, long version) =>
        ConfigLoader.FromText(text, version, _secrets.Read, _overlay);

    // A secret file that was replaced is as good a reason to load again as a changed document. A document that names
    // other files than the last is loaded once more than needed, which is better than to miss a change in between.
    private string Mark(string text) => $"{_secrets.FileTimes(Source.Document)}\n{text}";

    private FileSystemWatcher? Watch()
    {
        try
        {
            var watcher = new FileSystemWatcher(Path.GetDirectoryName(FullPath)!);
            watcher.Changed += Notice;
            watcher.Created += Notice;
            watcher.Renamed += Notice;
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception e) when (e is IOException or ArgumentException or PlatformNotSupportedException)
        {
            ConfigLog.NotWatched(_log, LookEvery.TotalSeconds, e);
            return null;
        }
    }

    private void Notice(object sender, FileSystemEventArgs e)
    {
        try
        {
            _notice.Release();
        }
        catch (SemaphoreFullException)
        {
            // A look is due already.
        }
        catch (ObjectDisposedException)
        {
            // The last notices of a watcher can outlive the file.
        }
    }
}
