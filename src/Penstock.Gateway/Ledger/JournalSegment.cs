using System.Globalization;
using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Penstock.Gateway.Ledger;

/// <summary>
/// One file of the journal, mapped into memory. A write is a copy into the mapping, which the kernel keeps when the
/// process is killed. Appending is serialised by the journal; reading below <see cref="End"/> is safe from any thread.
/// </summary>
internal sealed class JournalSegment : IDisposable
{
    private const string Extension = ".journal";
    private const string UnfinishedExtension = ".unfinished";

    /// <summary>Taken to flush and to unmap, so that a segment is not unmapped under a flush.</summary>
    private readonly Lock _mapping = new();

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafeMemoryMappedViewHandle _memory;
    private int _end;
    private volatile bool _closed;
    private bool _disposed;

    private JournalSegment(string path, MemoryMappedFile file, int capacity, MemoryMappedFileAccess access)
    {
        Path = path;
        _file = file;
        Capacity = capacity;
        _view = file.CreateViewAccessor(0, capacity, access);
        _memory = _view.SafeMemoryMappedViewHandle;
    }

    public string Path { get; private set; }

    public int Capacity { get; }

    public long Sequence { get; private set; }

    public ulong Seed { get; private set; }

    /// <summary>The id in the header; null where the header is damaged.</summary>
    public Guid? Journal { get; private set; }

    /// <summary>Where the bytes that may be read end.</summary>
    public int End => Volatile.Read(ref _end);

    /// <summary>True once nothing more is appended. Read it before <see cref="End"/>.</summary>
    public bool IsClosed => _closed;

    /// <summary>A file of zeros whose room on disk is taken, not yet part of a journal.</summary>
    /// <exception cref="IOException">The disk is full or fails.</exception>
    public static JournalSegment Prepare(string directory, int capacity)
    {
        var path = System.IO.Path.Combine(directory, Guid.NewGuid().ToString("N") + UnfinishedExtension);
        var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            PreallocationSize = capacity,
            BufferSize = 0,
        });
        stream.SetLength(capacity);
        var file = MemoryMappedFile.CreateFromFile(
            stream, null, capacity, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: false);
        return new JournalSegment(path, file, capacity, MemoryMappedFileAccess.ReadWrite);
    }

    /// <summary>A file of an earlier process, to be read only; null where it is too short to hold a record.</summary>
    public static JournalSegment? OpenExisting(string path)
    {
        var length = (int)Math.Min(new FileInfo(path).Length, int.MaxValue);
        if (length <= JournalFormat.HeaderBytes)
        {
            return null;
        }

        var file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        var segment = new JournalSegment(path, file, length, MemoryMappedFileAccess.Read)
        {
            Sequence = SequenceOf(path),
            _end = length,
            _closed = true,
        };
        Span<byte> header = stackalloc byte[JournalFormat.HeaderBytes];
        segment.Read(0, header);
        segment.Journal = JournalFormat.ReadHeader(header, segment.Sequence);
        return segment;
    }

    /// <summary>The segment files of a directory, oldest first.</summary>
    public static string[] Files(string directory) =>
        [.. Directory.GetFiles(directory, "*" + Extension).Where(path => SequenceOf(path) > 0).OrderBy(SequenceOf)];

    /// <summary>Removes what a killed process had prepared and not used.</summary>
    public static void DeleteUnfinished(string directory)
    {
        foreach (var path in Directory.GetFiles(directory, "*" + UnfinishedExtension))
        {
            File.Delete(path);
        }
    }

    public static long SequenceOf(string path) =>
        long.TryParse(
            System.IO.Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture,
            out var sequence)
            ? sequence
            : 0;

    /// <summary>Makes a prepared file the next segment of a journal.</summary>
    /// <exception cref="IOException">The file cannot be renamed.</exception>
    public void Begin(Guid journal, long sequence)
    {
        Span<byte> header = stackalloc byte[JournalFormat.HeaderBytes];
        JournalFormat.WriteHeader(header, journal, sequence);
        _memory.WriteSpan<byte>(0, header);
        var path = System.IO.Path.Combine(
            System.IO.Path.GetDirectoryName(Path)!, sequence.ToString("D16", CultureInfo.InvariantCulture) + Extension);
        File.Move(Path, path);
        Path = path;
        Sequence = sequence;
        Journal = journal;
        Seed = JournalFormat.SeedOf(journal);
        Volatile.Write(ref _end, JournalFormat.HeaderBytes);
    }

    /// <summary>Reads with the check of <paramref name="journal"/> where the header does not say its own.</summary>
    public void AssumeJournal(Guid journal) => Seed = JournalFormat.SeedOf(Journal ?? journal);

    public bool HasRoomFor(int bytes) => Capacity - _end >= bytes;

    /// <summary>Copies a frame to the end and makes it readable.</summary>
    public void Append(ReadOnlySpan<byte> frame)
    {
        _memory.WriteSpan((ulong)_end, frame);
        Volatile.Write(ref _end, _end + frame.Length);
    }

    /// <summary>Fills the page that is begun, so that the next frame begins another.</summary>
    public void FillPage()
    {
        var rest = -_end & (MappedPages.Size - 1);
        var filling = rest < JournalFormat.FrameHeaderBytes ? rest + MappedPages.Size : rest;
        if (rest == 0 || _end + filling > Capacity)
        {
            return;
        }

        Span<byte> frame = stackalloc byte[JournalFormat.FrameHeaderBytes];
        JournalFormat.WriteFilling(frame, filling, new JournalPosition(Sequence, _end), Seed);
        _memory.WriteSpan<byte>((ulong)_end, frame);
        Volatile.Write(ref _end, _end + filling);
    }

    public void Close() => _closed = true;

    public void Read(int offset, Span<byte> target) => _memory.ReadSpan((ulong)offset, target);

    /// <summary>Writes what changed between two places to disk and waits for it.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public void Flush(int from, int to)
    {
        lock (_mapping)
        {
            if (!_disposed && from < to && !MappedPages.TryWrite(_memory.DangerousGetHandle(), from, to))
            {
                _view.Flush();
            }
        }
    }

    /// <summary>Makes so many bytes after the end ready to be written to.</summary>
    public void PopulateAhead(int bytes)
    {
        var from = End;
        lock (_mapping)
        {
            if (!_disposed && from < Capacity)
            {
                MappedPages.Populate(_memory.DangerousGetHandle(), from, (int)Math.Min(Capacity, (long)from + bytes));
            }
        }
    }

    public void Delete()
    {
        Dispose();
        File.Delete(Path);
    }

    public void Dispose()
    {
        lock (_mapping)
        {
            _disposed = true;
            _memory.Dispose();
            _view.Dispose();
            _file.Dispose();
        }
    }
}
