using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Simulator.Texts;

namespace Penstock.Simulator.Tests.Texts;

public sealed class TextTokensTests
{
    [Fact]
    public void Tokens_give_back_the_text() =>
        Prop.ForAll(ArbMap.Default.ArbFor<string>(), text =>
        {
            var bytes = Encoding.UTF8.GetBytes(text ?? "");
            var tokens = Tokens(bytes);
            var back = new ArrayBufferWriter<byte>();
            foreach (var token in tokens)
            {
                Assert.True(TextTokens.TryWrite(token, back));
                Assert.NotEqual(0u, token);
            }

            Assert.Equal(bytes, back.WrittenSpan.ToArray());
            Assert.Equal(tokens.Count, TextTokens.Count(bytes));
            Assert.Equal(tokens.Count, TextTokens.Ends(bytes).Length);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Texts_with_an_equal_prefix_have_equal_tokens_up_to_the_one_at_the_cut()
    {
        const string Prefix = "The quick brown fox jumps over the lazy dog, größer als 日本語 and {\"json\":[1,2,3]}";
        var whole = Tokens(Encoding.UTF8.GetBytes(Prefix));

        var longer = Tokens(Encoding.UTF8.GetBytes(Prefix + " and more of it"));

        Assert.Equal(whole[..^1], longer[..(whole.Count - 1)]);
    }

    [Fact]
    public void English_has_about_four_bytes_a_token()
    {
        var text = Encoding.UTF8.GetBytes(
            "For every request, in microseconds, the gateway decides which model, cloud, region and replica serves it, "
            + "from what is cached where, what is in flight, and what each accelerator is good at and costs.");

        Assert.InRange((double)text.Length / TextTokens.Count(text), 3.0, 5.0);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(uint.MaxValue)]
    [InlineData(1u << 30)] // a space before no word
    [InlineData(63u)] // a letter that there is not
    [InlineData(1u << 6)] // no letter before a letter
    [InlineData(0x80000000u)] // no ASCII character
    [InlineData(0x80004080u)] // none before another
    [InlineData(0x90000000u)] // a fifth
    [InlineData(0xA0000041u)] // an ASCII letter as a code point
    [InlineData(0xA000D800u)] // half a pair
    [InlineData(0xC0000100u)] // more than a byte
    public void A_number_that_is_no_token_is_refused(uint token)
    {
        var text = new ArrayBufferWriter<byte>();

        Assert.False(TextTokens.TryWrite(token, text));
        Assert.Equal(0, text.WrittenCount);
    }

    [Theory]
    [InlineData(new byte[] { 0 })]
    [InlineData(new byte[] { 32, 0, 32, 32, 0x80, 65, 0xFF })]
    [InlineData(new byte[] { 0xE2, 0x82 })]
    [InlineData(new byte[] { 32, 0xF0, 0x9F, 0x98, 0x80, 0xF0, 0x9F })]
    public void Bytes_that_are_no_text_come_back_as_well(byte[] bytes)
    {
        var back = new ArrayBufferWriter<byte>();
        foreach (var token in Tokens(bytes))
        {
            Assert.True(TextTokens.TryWrite(token, back));
        }

        Assert.Equal(bytes, back.WrittenSpan.ToArray());
    }

    private static List<uint> Tokens(byte[] text)
    {
        List<uint> tokens = [];
        TextTokens.Append(text, tokens);
        return tokens;
    }
}
