using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// Keeps the entries of a replica from running out before the tokens of its cache do. An entry is a length of text, and
/// whoever sends text with very many bytes a token fills the mirror at little cost to the engine, which keeps what it
/// has of all others. Such a key keeps to its share of the entries for as long as others use the replica. Where prompts
/// are keyed by tokens a block is as many of them whoever sends it, and no key has a share.
/// </summary>
/// <remarks>
/// What a request adds its key owes, an entry each. When it ends, the tokens that were computed for it pay: one entry
/// for as many as there are in the whole cache for each of all entries, so that ordinary text owes nothing, which fills
/// the tokens first. What is owed is halved with every capacity of tokens that is computed there, after which the
/// engine has lost what was there before. The number of accounts is bounded: who owes least makes room for a new key
/// and leaves it what it owes, so that whoever owes more than its part of the whole is never missed (the Space-Saving
/// of Metwally, Agrawal and El Abbadi, "Efficient computation of frequent and top-k elements in data streams", 2005).
/// </remarks>
internal sealed class EntryShares(BlockHolders blocks, PrefixKeying keying, int replicas)
{
    /// <summary>The account of nobody, which has no bounds.</summary>
    public const byte None = 0;

    /// <summary>Bytes a replica, all told.</summary>
    public const int BytesPerReplica = (Keys * 24) + 16;

    /// <summary>Keys of which there is an account at a replica.</summary>
    private const int Keys = 8;

    /// <summary>Bytes of ordinary text in a token.</summary>
    private const int UsualBytes = 4;

    private const long TokensMax = 1L << 36;

    private readonly Account[] _accounts = new Account[replicas * Keys];
    private readonly Turnover[] _turnovers = new Turnover[replicas];

    /// <summary>Tokens that an entry has to stand for at most: half of what a block of ordinary text does, where the
    /// cache holds more than all entries can tell of.</summary>
    private readonly long _tokensEach = Math.Max(1, keying.BlockLength / (2 * UsualBytes));

    /// <summary>A key sends a request. Returns its account there.</summary>
    public byte Open(int replica, ulong key)
    {
        if (key == 0 || keying.AreTokens)
        {
            return None;
        }

        if (Find(replica, key) is not None and var found)
        {
            return found;
        }

        var accounts = Of(replica);
        var at = 0;
        for (var i = 1; i < Keys; i++)
        {
            at = IsRather(in accounts[i], in accounts[at]) ? i : at;
        }

        accounts[at].Key = key;
        return See(replica, at);
    }

    /// <summary>The account of a key that may send something; none where there is no account of it.</summary>
    public byte Find(int replica, ulong key)
    {
        var accounts = Of(replica);
        for (var i = 0; i < Keys && key != 0; i++)
        {
            if (accounts[i].Key == key)
            {
                return See(replica, i);
            }
        }

        return None;
    }

    /// <summary>Whether an account may add one more entry.</summary>
    public bool HasLeft(int replica, byte account)
    {
        if (account == None)
        {
            return true;
        }

        ref readonly var own = ref Of(replica)[account - 1];
        return own.Owed < own.Max || blocks.CountOf(replica) < blocks.BlocksPerReplica / 2;
    }

    /// <summary>One entry was added.</summary>
    public void Charge(int replica, byte account)
    {
        if (account != None)
        {
            ref var own = ref Of(replica)[account - 1];
            own.Owed = Math.Min(own.Owed + 1, blocks.BlocksPerReplica);
        }
    }

    /// <summary>What an account owes, in entries.</summary>
    public int OwedBy(int replica, byte account) => account == None ? 0 : Of(replica)[account - 1].Owed;

    /// <summary>Entries are paid for.</summary>
    public void Pay(int replica, byte account, long entries)
    {
        if (account != None)
        {
            ref var own = ref Of(replica)[account - 1];
            own.Owed = (int)Math.Max(0, own.Owed - entries);
        }
    }

    /// <summary>How many entries so many tokens pay for.</summary>
    /// <param name="tokens">Tokens that were computed.</param>
    /// <param name="capacity">Tokens that the replica's cache holds, in all tiers of its own.</param>
    public long Worth(long tokens, long capacity) =>
        Math.Min(tokens, TokensMax) * blocks.BlocksPerReplica / Length(capacity);

    /// <summary>So many tokens were computed at a replica whose cache holds <paramref name="capacity"/>.</summary>
    public void Advance(int replica, long tokens, long capacity)
    {
        ref var turnover = ref _turnovers[replica];
        turnover.Tokens += tokens;
        if (turnover.Tokens < Length(capacity))
        {
            return;
        }

        turnover.Tokens = 0;
        turnover.Count++;
        foreach (ref var account in Of(replica))
        {
            account.Owed /= 2;
        }
    }

    public void Save(StateWriter to)
    {
        to.WriteAll<Account>(_accounts);
        to.WriteAll<Turnover>(_turnovers);
    }

    public void Load(ref StateReader from)
    {
        from.ReadAll<Account>(_accounts);
        from.ReadAll<Turnover>(_turnovers);
    }

    private byte See(int replica, int at)
    {
        ref var account = ref Of(replica)[at];
        account.Seen = _turnovers[replica].Count;
        account.Max = Share(replica);
        return (byte)(at + 1);
    }

    /// <summary>Whether one account makes room for another key rather than another one.</summary>
    private static bool IsRather(in Account one, in Account other) =>
        one.Owed != other.Owed ? one.Owed < other.Owed : one.Key == 0 || (other.Key != 0 && one.Seen < other.Seen);

    private Span<Account> Of(int replica) => _accounts.AsSpan(replica * Keys, Keys);

    /// <summary>Tokens that make a turnover.</summary>
    private long Length(long capacity) =>
        Math.Max(1, Math.Min(capacity, blocks.BlocksPerReplica * _tokensEach));

    /// <summary>Entries that one of those may owe who were there within the last turnovers; one that is alone, any
    /// number.</summary>
    private int Share(int replica)
    {
        var active = 0;
        foreach (ref readonly var account in Of(replica))
        {
            active += account.Key != 0 && _turnovers[replica].Count - account.Seen <= 1 ? 1 : 0;
        }

        return active == 1 ? int.MaxValue : blocks.BlocksPerReplica / (1 + active);
    }

    private struct Account
    {
        public ulong Key;
        public int Owed;
        public int Max;

        /// <summary>The turnover in which its last request came.</summary>
        public int Seen;
    }

    /// <summary>How often a cache was used once over, and the tokens since.</summary>
    private struct Turnover
    {
        public long Tokens;
        public int Count;
    }
}
