namespace Penstock.Core.KvSync;

/// <summary>How a batch's number follows from those before it.</summary>
public enum KvStep : byte
{
    /// <summary>The next one.</summary>
    InOrder,

    /// <summary>Already known, from a replay.</summary>
    Duplicate,

    /// <summary>Batches before it are missing, from <see cref="KvSequence.Next"/> on.</summary>
    Gap,

    /// <summary>The first one heard of, and not the publisher's first.</summary>
    StartedInTheMiddle,

    /// <summary>The publisher began again: it was restarted, and its cache is empty.</summary>
    Rollback,
}
