namespace Penstock.Gateway.Ledger;

/// <summary>A file that one process has at a time.</summary>
internal static class ProcessLock
{
    /// <summary>Held until it is disposed of, or the process ends.</summary>
    /// <exception cref="IOException">Another process has it.</exception>
    public static FileStream Take(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new IOException($"another process uses {path}; give each gateway a data folder of its own", e);
        }
    }
}
