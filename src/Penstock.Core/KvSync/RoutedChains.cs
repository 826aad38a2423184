namespace Penstock.Core.KvSync;

/// <summary>
/// The keys of prompts that were sent to a replica last. Where an engine stores blocks after one that it never named,
/// because that name was lost or came before anybody listened, the prompt that the blocks belong to tells which block
/// it is: the key of its successor comes out right for that one alone.
/// </summary>
/// <remarks>A ring of fixed size: 128 KiB, made with the first chain. Looking a block of <see cref="SearchTokens"/> up
/// hashes 4 MiB at most, some hundred microseconds; larger blocks count for as many searches as they are larger. Every
/// prompt pays for a few searches in vain and no more are made, whatever an engine names.</remarks>
internal sealed class RoutedChains
{
    /// <summary>Keys kept.</summary>
    public const int KeysMax = 16_384;

    /// <summary>Searches in vain that a prompt allows for, and how many may be left over.</summary>
    public const int SearchesEach = 8;
    public const int SearchesMax = 64;

    /// <summary>Tokens of a block that one search is for.</summary>
    public const int SearchTokens = 64;

    private ulong[] _keys = [];
    private int _end;
    private int _count;
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
            _count = Math.Min(_count + 1, KeysMax);
        }
    }

    /// <summary>The block that a block of these tokens follows in a prompt of late; false: in none.</summary>
    public bool TryFindParent(ReadOnlySpan<uint> tokens, ulong extra, out ulong parent)
    {
        parent = 0;
        var cost = Math.Clamp((tokens.Length + SearchTokens - 1) / SearchTokens, 1, SearchesMax);
        if (_searches < cost)
        {
            return false;
        }

        for (var i = 1; i < _count; i++)
        {
            var at = (_end + KeysMax - 1 - i) % KeysMax;
            parent = _keys[at];
            if (KvKeys.Of(parent, tokens, extra) == _keys[(at + 1) % KeysMax])
            {
                return true;
            }
        }

        _searches -= cost;
        return false;
    }
}
