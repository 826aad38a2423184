using System.Globalization;

namespace Penstock.Gateway.Recording;

/// <summary>What is done to files: by the system, or as a test wants it.</summary>
/// <param name="Create">Makes a file that is not there yet, to be written.</param>
/// <param name="Delete">Deletes a file.</param>
internal sealed record LogDisk(Func<string, Stream> Create, Action<string> Delete)
{
    public static LogDisk System { get; } = new(
        static path => new FileStream(
            path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0, useAsync: true),
        File.Delete);
}

/// <summary>Whose logs must not be deleted, or not first.</summary>
/// <param name="Paths">Files that are being written.</param>
/// <param name="Pools">Names of the pools that are recorded now.</param>
internal sealed record LogsInUse(IReadOnlySet<string> Paths, IReadOnlySet<string> Pools);

/// <summary>
/// The folder of the decision logs, <c>POOL-TIME-NNNN.plog</c>: names them, and keeps all of them together within a
/// size, whatever is written.
/// </summary>
/// <remarks>Not thread-safe: the loop of <see cref="DecisionFiles"/> owns it. All that the disk refuses comes out as
/// <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</remarks>
internal sealed class LogFolder(string path, long bytesMax)
{
    private const string Extension = ".plog";

    /// <summary>Where there is no room, a sixty-fourth of the whole is made, so that it is not asked for every time.
    /// </summary>
    private const int SlackShare = 64;

    /// <summary>A file's name has 255 bytes at most on the usual systems, of which time, number and the rest take some
    /// thirty.</summary>
    private const int PoolNameMax = 200;

    private long _names;
    private long? _bytes;

    public string Path => path;

    /// <summary>Bytes of all logs together at most.</summary>
    public long BytesMax => bytesMax;

    public LogDisk Disk { get; init; } = LogDisk.System;

    /// <summary>The name of a pool as the names of its files have it.</summary>
    public static string NameOf(string pool) => string.Concat(pool.Take(PoolNameMax).Select(
        static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_'));

    /// <summary>The path of a log that begins now.</summary>
    public string PathOf(string pool, DateTimeOffset now)
    {
        var time = now.ToString("yyyyMMdd'T'HHmmssfff'Z'", CultureInfo.InvariantCulture);
        string file;
        do
        {
            file = global::System.IO.Path.Combine(path, $"{pool}-{time}-{++_names:d4}{Extension}");
        }
        while (File.Exists(file));

        return file;
    }

    /// <summary>So many bytes were written to a log.</summary>
    public void Grew(long bytes) => _bytes += bytes;

    /// <summary>Something was not written as it should be: what there is must be looked at again.</summary>
    public void Doubt() => _bytes = null;

    /// <summary>
    /// Sees that so many bytes can be written. Logs of pools that are not there any more are deleted first, the oldest
    /// of them first; then the oldest log of the pool that has most, so that a busy pool does not push out what the
    /// others have. False where what is being written now leaves no room.
    /// </summary>
    public bool TryMakeRoom(long bytes, Func<LogsInUse> inUse)
    {
        if (_bytes + bytes <= bytesMax)
        {
            return true;
        }

        var logs = Look();
        var left = logs.Sum(static l => l.Bytes);
        var wanted = bytesMax - (bytesMax / SlackShare) - bytes;
        if (left > wanted)
        {
            left -= DeleteOldest(logs, left - wanted, inUse());
        }

        _bytes = left;
        return left + bytes <= bytesMax;
    }

    /// <summary>Deletes a file where it can; it stays, and counts, where not.</summary>
    public bool TryDelete(string file)
    {
        try
        {
            Disk.Delete(file);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private long DeleteOldest(List<Log> logs, long bytes, LogsInUse inUse)
    {
        var ofPool = logs.GroupBy(static l => l.Pool).ToDictionary(static g => g.Key, static g => g.Sum(l => l.Bytes));
        List<Log> whole =
        [
            .. logs.Where(l => !inUse.Paths.Contains(l.Path)).OrderBy(static l => l.WrittenAt)
                .ThenBy(static l => l.Path, StringComparer.Ordinal),
        ];
        long deleted = 0;
        while (deleted < bytes && whole.Count > 0)
        {
            // Of logs that are equal in this the first is taken, which is the oldest.
            var log = whole.Find(l => !inUse.Pools.Contains(l.Pool)) ?? whole.MaxBy(l => ofPool[l.Pool])!;
            whole.Remove(log);
            if (TryDelete(log.Path))
            {
                deleted += log.Bytes;
                ofPool[log.Pool] -= log.Bytes;
            }
        }

        return deleted;
    }

    private List<Log> Look() =>
    [
        .. Directory.CreateDirectory(path).GetFiles("*" + Extension)
            .Select(static f => new Log(f.FullName, PoolOf(f.Name), f.Length, f.LastWriteTimeUtc)),
    ];

    /// <summary>What comes before time and number.</summary>
    private static string PoolOf(string file)
    {
        var number = file.LastIndexOf('-');
        var time = number > 0 ? file.LastIndexOf('-', number - 1) : -1;
        return time > 0 ? file[..time] : file;
    }

    private sealed record Log(string Path, string Pool, long Bytes, DateTime WrittenAt);
}
