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
                Assert.InRange(token, 1, (1L << 53) - 1);
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
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public void A_number_that_is_no_token_is_refused(long token) =>
        Assert.False(TextTokens.TryWrite(token, new ArrayBufferWriter<byte>()));

    private static List<long> Tokens(byte[] text)
    {
        List<long> tokens = [];
        TextTokens.Append(text, tokens);
        return tokens;
    }
}
