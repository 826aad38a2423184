namespace Penstock.Bench.Wire;

/// <summary>
/// Takes chunked framing (RFC 9112 §7.1) off a body that arrives in arbitrary pieces. Keeps no bytes: it hands out
/// slices of what it is given.
/// </summary>
internal struct ChunkedReader
{
    private enum Expect
    {
        Size,
        Extension,
        Data,
        DataEnd,
        Trailer,
        TrailerLine,
        Done,
    }

    private Expect _expect;
    private long _left;

    public readonly bool Done => _expect == Expect.Done;

    /// <summary>
    /// Consumes from the front of <paramref name="input"/> up to the next slice of body data. Returns false, with
    /// nothing in <paramref name="data"/>, when the input is used up or the body is complete.
    /// </summary>
    public bool Next(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> data)
    {
        data = default;
        while (input.Length > 0 && _expect != Expect.Done)
        {
            if (_expect == Expect.Data)
            {
                var length = (int)Math.Min(_left, input.Length);
                data = input[..length];
                input = input[length..];
                _left -= length;
                if (_left == 0)
                    _expect = Expect.DataEnd;
                return true;
            }

            Step(input[0]);
            input = input[1..];
        }

        return false;
    }

    private void Step(byte value)
    {
        switch (_expect)
        {
            case Expect.Size when Uri.IsHexDigit((char)value):
                _left = _left * 16 + HexValue(value);
                break;
            case Expect.Size or Expect.Extension when value == '\n':
                _expect = _left > 0 ? Expect.Data : Expect.Trailer;
                break;
            case Expect.Size when value == ';':
                _expect = Expect.Extension;
                break;
            case Expect.DataEnd when value == '\n':
                _expect = Expect.Size;
                break;
            case Expect.Trailer when value == '\n':
                _expect = Expect.Done;
                break;
            case Expect.Trailer when value != '\r':
                _expect = Expect.TrailerLine;
                break;
            case Expect.TrailerLine when value == '\n':
                _expect = Expect.Trailer;
                break;
            default:
                break;
        }
    }

    private static int HexValue(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
