using Penstock.Core.Primitives;
using Penstock.Wire.Scan;

namespace Penstock.Engines.Http;

/// <summary>
/// A request body as it goes to an engine: the client's bytes, of which up to two ranges are replaced. All other bytes
/// are sent from where they were received.
/// </summary>
public struct SplicedBody
{
    /// <summary>How many pieces a body has; some may be empty.</summary>
    public const int Pieces = 5;

    private readonly ReadOnlyMemory<byte> _body;
    private Splice _first;
    private Splice _second;

    public SplicedBody(ReadOnlyMemory<byte> body)
    {
        _body = body;
        Length = body.Length;
    }

    /// <summary>Bytes in all, replacements included.</summary>
    public long Length { get; private set; }

    /// <summary>Replaces a range; ranges must not overlap.</summary>
    public void Replace(ValueRange range, ReadOnlyMemory<byte> replacement)
    {
        var splice = new Splice(range, replacement);
        Length += replacement.Length - range.Length;
        Check.That(_second.Replacement.IsEmpty && !replacement.IsEmpty);
        if (_first.Replacement.IsEmpty)
        {
            _first = splice;
        }
        else if (range.Start < _first.Range.Start)
        {
            _second = _first;
            _first = splice;
        }
        else
        {
            _second = splice;
        }
    }

    /// <summary>The pieces in order; empty ones are to be skipped.</summary>
    public readonly ReadOnlyMemory<byte> Piece(int index)
    {
        var firstEnd = _first.Replacement.IsEmpty ? 0 : _first.Range.End;
        var secondEnd = _second.Replacement.IsEmpty ? firstEnd : _second.Range.End;
        return index switch
        {
            0 => _body[..(_first.Replacement.IsEmpty ? 0 : _first.Range.Start)],
            1 => _first.Replacement,
            2 => _body[firstEnd..(_second.Replacement.IsEmpty ? firstEnd : _second.Range.Start)],
            3 => _second.Replacement,
            _ => _body[secondEnd..],
        };
    }

    /// <summary>Copies all pieces, in order.</summary>
    public readonly void CopyTo(Span<byte> target)
    {
        for (var i = 0; i < Pieces; i++)
        {
            var piece = Piece(i).Span;
            piece.CopyTo(target);
            target = target[piece.Length..];
        }
    }

    private readonly record struct Splice(ValueRange Range, ReadOnlyMemory<byte> Replacement);
}
