namespace Penstock.Core.KvSync;

/// <summary>
/// The keys of prompts that were sent to a replica last. Where an engine stores blocks after one that it never named,
/// because that name was lost or came before anybody listened, the prompt that the blocks belong to tells which block
/// it is: the key of its successor comes out right for that one alone.
/// </summary>
/// <remarks>A ring of fixed size: 128 KiB, made with the first chain. Looking one up reads all of it at most, some
/// hundred microseconds; every prompt pays for a few such searches and no more are made, whatever an engine names.
/// </remarks>
internal sealed class RoutedChains
{
    /// <summary>Keys kept.</summary>
    public const int KeysMax = 16_384;

    /// <summary>Searches in vain that a prompt allows for, and how many may be left over.</summary>
    private const int SearchesEach = 32;
    private const int SearchesMax = 256;

    private ulong[] _keys = [];
    private int _end;
    private int _searches;

    /// <summary>A prompt with these blocks was sent there.</summary>
    public void Add(ReadOnlySpan<ulong> chain)
    {
        if (_keys.Length == 0)
        {
            _keys = new ulong[KeysMax];
        }

        _searches = Math.Min(_searches + SearchesEach, SearchesMax);
        foreach (var key in chain.Length > KeysMax ? chain[^KeysMax..] : chain)
        {
            _keys[_end] = key;
            _end = (_end + 1) % KeysMax;
        }
    }

    /// <summary>The block that a block of these tokens follows in a prompt of late; false: in none.</summary>
    public bool TryFindParent(ReadOnlySpan<uint> tokens, ulong extra, out ulong parent)
    {
        parent = 0;
        if (_searches == 0)
        {
            return false;
        }

        for (var i = 1; i < _keys.Length; i++)
        {
            var at = (_end + KeysMax - 1 - i) % KeysMax;
            parent = _keys[at];
            if (KvKeys.Of(parent, tokens, extra) == _keys[(at + 1) % KeysMax])
            {
                return true;
            }
        }

        _searches--;
        return false;
    }
}
