using System.Buffers.Binary;
using Penstock.Core.KvSync;
using Penstock.Wire.MessagePack;

namespace Penstock.Wire.KvEvents;

/// <summary>Writes the values of an event's fields, which are the same in arrays and in maps.</summary>
internal readonly ref struct EventValues(MessagePackWriter pack, bool isVllm, KvHashForm form)
{
    private const int DigestBytes = 32;

    private readonly MessagePackWriter _pack = pack;
    private readonly bool _isVllm = isVllm;
    private readonly KvHashForm _form = form;

    public static bool HasExtras(in KvEvent e) => !e.Adapter.IsEmpty || !e.Salt.IsEmpty || !e.Extras.IsEmpty;

    public void Hashes(ReadOnlySpan<ulong> hashes)
    {
        _pack.Array(hashes.Length);
        foreach (var hash in hashes)
        {
            Hash(hash);
        }
    }

    private void Hash(ulong hash)
    {
        switch (_form)
        {
            case KvHashForm.Unsigned:
                _pack.UInt64(hash);
                break;
            case KvHashForm.Signed:
                _pack.Int64((long)hash);
                break;
            default:
                Span<byte> digest = stackalloc byte[DigestBytes];
                digest.Fill(0x5A);
                BinaryPrimitives.WriteUInt64BigEndian(digest[^8..], hash);
                _pack.Binary(digest);
                break;
        }
    }

    public void Parent(in KvEvent e)
    {
        if (e.HasParent)
        {
            Hash(e.Parent);
        }
        else
        {
            _pack.Nil();
        }
    }

    public void Tokens(ReadOnlySpan<uint> tokens)
    {
        _pack.Array(tokens.Length);
        foreach (var token in tokens)
        {
            _pack.UInt64(token);
        }
    }

    public void AdapterId(in KvEvent e)
    {
        if (e.AdapterId < 0)
        {
            _pack.Nil();
        }
        else
        {
            _pack.Int64(e.AdapterId);
        }
    }

    public void Medium(KvTier tier) => _pack.Text(_isVllm ? KvNames.VllmMedium(tier) : KvNames.SglangMedium(tier));

    public void Group(in KvEvent e)
    {
        if (e.Group < 0)
        {
            _pack.Nil();
        }
        else
        {
            _pack.Int64(e.Group);
        }
    }

    public void TextOrNil(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
        {
            _pack.Nil();
        }
        else
        {
            _pack.Text(text);
        }
    }

    // For each block a list: the adapter, what makes it unlike others of the same tokens, the salt in the first.
    public void Extras(in KvEvent e)
    {
        if (!HasExtras(in e))
        {
            _pack.Nil();
            return;
        }

        _pack.Array(e.Hashes.Length);
        for (var i = 0; i < e.Hashes.Length; i++)
        {
            var extra = e.Extras.IsEmpty ? 0 : e.Extras[i];
            var hasSalt = i == 0 && !e.HasParent && !e.Salt.IsEmpty;
            var count = (e.Adapter.IsEmpty ? 0 : 1) + (extra == 0 ? 0 : 1) + (hasSalt ? 1 : 0);
            if (count == 0)
            {
                _pack.Nil();
                continue;
            }

            _pack.Array(count);
            if (!e.Adapter.IsEmpty)
            {
                _pack.Text(e.Adapter);
            }

            if (extra != 0)
            {
                _pack.UInt64(extra);
            }

            if (hasSalt)
            {
                _pack.Text(e.Salt);
            }
        }
    }
}
