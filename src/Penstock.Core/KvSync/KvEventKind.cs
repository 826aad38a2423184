namespace Penstock.Core.KvSync;

/// <summary>What an engine says happened in its cache.</summary>
public enum KvEventKind : byte
{
    /// <summary>Blocks can be reused from now on.</summary>
    Stored,

    /// <summary>Blocks are gone.</summary>
    Removed,

    /// <summary>Everything is gone.</summary>
    Cleared,
}
