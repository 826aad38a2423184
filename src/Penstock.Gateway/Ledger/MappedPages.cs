using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Penstock.Gateway.Ledger;

/// <summary>What the kernel is told about stretches of a mapped file, in whole pages; on Linux, nowhere else.</summary>
internal static class MappedPages
{
    /// <summary>MS_SYNC of <c>sys/mman.h</c>.</summary>
    private const int WriteAndWait = 4;

    /// <summary>MADV_POPULATE_WRITE of <c>sys/mman.h</c>; since Linux 5.14.</summary>
    private const int PopulateForWriting = 23;

    /// <summary>Bytes of a page.</summary>
    public static int Size { get; } = Environment.SystemPageSize;

    /// <summary>Where the page begins in which an offset lies.</summary>
    public static int StartOf(int offset) => offset / Size * Size;

    /// <summary>Writes the pages in which a stretch lies to disk, and waits for it. False where that cannot be had.
    /// </summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public static bool TryWrite(nint start, int from, int to)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        var first = StartOf(from);
        if (msync(start + first, (nuint)(to - first), WriteAndWait) != 0)
        {
            throw new IOException("msync: " + new Win32Exception(Marshal.GetLastPInvokeError()).Message);
        }

        return true;
    }

    /// <summary>Makes pages ready to be written to, so that no store waits for the file system. Where that cannot be
    /// had each first store does it for itself.</summary>
    public static void Populate(nint start, int from, int to)
    {
        if (OperatingSystem.IsLinux())
        {
            var first = StartOf(from);
            _ = madvise(start + first, (nuint)(to - first), PopulateForWriting);
        }
    }

#pragma warning disable IDE1006, SYSLIB1054, CA2101, CA5392 // The names are the kernel's; all is blittable.
    [DllImport("libc", SetLastError = true)]
    private static extern int msync(nint address, nuint length, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int madvise(nint address, nuint length, int advice);
#pragma warning restore IDE1006, SYSLIB1054, CA2101, CA5392
}
