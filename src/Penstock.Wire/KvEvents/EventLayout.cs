using Penstock.Core.KvSync;
using Penstock.Wire.MessagePack;

namespace Penstock.Wire.KvEvents;

/// <summary>One event, found but not yet decoded: small fields read, and where the long ones begin.</summary>
internal ref struct EventLayout
{
    public EventLayout()
    {
    }

    /// <summary>What is the same for all parts of the event.</summary>
    public KvEvent Event = new();

    /// <summary>Items of the list of hashes, tokens and extra keys; a reader at the first of each.</summary>
    public MessagePackReader Hashes;
    public MessagePackReader Tokens;
    public MessagePackReader Extras;
    public int HashCount;
    public int TokenCount;
    public int ExtraCount;

    public bool IsKnown;
    public bool IsBroken;

    private bool _isRemote;

    /// <summary>Finds the fields of the next value of a batch that is well-formed, and steps over it.</summary>
    public void Read(ref MessagePackReader reader)
    {
        switch (reader.Next)
        {
            case MessagePackType.Array:
                ReadArray(ref reader);
                break;
            case MessagePackType.Map:
                ReadMap(ref reader);
                break;
            default:
                IsBroken = true;
                reader.TrySkip();
                break;
        }

        if (_isRemote)
        {
            Event.Tier = KvTier.Shared;
        }

        if (Event.Spec == KvSpecKind.Full && Event.SlidingWindow > 0)
        {
            Event.Spec = KvSpecKind.SlidingWindow;
        }
    }

    private void ReadArray(ref MessagePackReader reader)
    {
        reader.TryReadArray(out var count);
        for (var i = 0; i < count; i++)
        {
            var value = reader;
            reader.TrySkip();
            if (i == 0)
            {
                TakeTag(value);
            }
            else if (IsKnown)
            {
                Take(KvFields.At(Event.Kind, i - 1), value);
            }
        }

        IsBroken |= count == 0;
    }

    private void ReadMap(ref MessagePackReader reader)
    {
        reader.TryReadMap(out var count);
        for (var i = 0; i < count; i++)
        {
            var key = reader;
            reader.TrySkip();
            var value = reader;
            reader.TrySkip();
            if (!key.TryReadText(out var name))
            {
                continue;
            }

            if (name.SequenceEqual("type"u8))
            {
                TakeTag(value);
            }
            else
            {
                Take(KvFields.Named(name), value);
            }
        }
    }

    private void TakeTag(MessagePackReader value)
    {
        IsKnown = value.TryReadText(out var tag) && KvFields.TryKind(tag, out var kind) && Becomes(kind);
    }

    private bool Becomes(KvEventKind kind)
    {
        Event.Kind = kind;
        return true;
    }

    // A field of an unexpected type is as if it were not there; without hashes there is no event.
    private void Take(KvField field, MessagePackReader value)
    {
        if (value.Next == MessagePackType.Nil)
        {
            return;
        }

        switch (field)
        {
            case KvField.Hashes:
                IsBroken |= !value.TryReadArray(out HashCount);
                Hashes = value;
                break;
            case KvField.Tokens when value.TryReadArray(out TokenCount):
                Tokens = value;
                break;
            case KvField.Extras when value.TryReadArray(out ExtraCount):
                Extras = value;
                break;
            case KvField.Parent:
                Event.HasParent = BlockHash.TryRead(ref value, out var parent);
                Event.Parent = parent;
                break;
            case KvField.Medium when value.TryReadText(out var medium):
                Event.Tier = KvNames.Tier(medium);
                break;
            case KvField.AdapterOrMetadata when value.Next == MessagePackType.Map:
                TakeMetadata(value);
                break;
            case KvField.AdapterOrMetadata when value.TryReadText(out var adapter):
                Event.Adapter = adapter;
                break;
            case KvField.Salt when value.TryReadText(out var salt):
                Event.Salt = salt;
                break;
            case KvField.Spec when value.TryReadText(out var spec):
                Event.Spec = KvNames.Spec(spec);
                break;
            case KvField.Locality when value.TryReadText(out var locality):
                _isRemote = KvNames.Is(locality, "REMOTE"u8);
                break;
            default:
                TakeNumber(field, value);
                break;
        }
    }

    private void TakeNumber(KvField field, MessagePackReader value)
    {
        if (value.Next != MessagePackType.Integer || !value.TryReadInt64(out var number))
        {
            return;
        }

        var small = (int)Math.Clamp(number, -1, int.MaxValue);
        switch (field)
        {
            case KvField.BlockSize:
                Event.BlockTokens = Math.Max(0, small);
                break;
            case KvField.Group:
                Event.Group = small;
                break;
            case KvField.Window:
                Event.SlidingWindow = Math.Max(0, small);
                break;
            case KvField.AdapterId:
                Event.AdapterId = number;
                break;
        }
    }

    private void TakeMetadata(MessagePackReader value)
    {
        value.TryReadMap(out var count);
        for (var i = 0; i < count; i++)
        {
            var key = value;
            value.TrySkip();
            var item = value;
            value.TrySkip();
            if (key.TryReadText(out var name) && KvFields.Named(name) == KvField.Salt && item.TryReadText(out var salt))
            {
                Event.Salt = salt;
            }
        }
    }
}
