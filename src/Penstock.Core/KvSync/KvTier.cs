namespace Penstock.Core.KvSync;

/// <summary>Where a block lies, nearest first: what it takes to use it again grows from one to the next.</summary>
public enum KvTier : byte
{
    /// <summary>In the accelerator's memory.</summary>
    Device,

    /// <summary>In the host's memory.</summary>
    Host,

    /// <summary>On a disk of the host.</summary>
    Disk,

    /// <summary>In a store shared between hosts; also a place whose name is not known.</summary>
    Shared,
}
