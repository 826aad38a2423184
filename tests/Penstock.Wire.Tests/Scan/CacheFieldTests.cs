using System.Text;
using Penstock.Core.Models;
using Penstock.Wire.Scan;

namespace Penstock.Wire.Tests.Scan;

/// <summary>Members beside the prompt on which it depends what an engine finds in its cache.</summary>
public class CacheFieldTests
{
    private const string Rest = "\"model\":\"m\",\"max_tokens\":1";
    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]";

    private static readonly ulong Plain = ScopeOf($"{{{Rest},{Messages}}}");

    [Theory]
    [InlineData("\"cache_salt\":\"a\"", "\"cache_salt\":\"b\"")]
    [InlineData("\"extra_key\":\"a\"", "\"cache_salt\":\"a\"")]
    [InlineData("\"chat_template_kwargs\":{\"enable_thinking\":true}", "\"chat_template_kwargs\":{}")]
    [InlineData("\"documents\":[{\"text\":\"a\"}]", "\"documents\":[]")]
    [InlineData("\"add_generation_prompt\":false", "\"continue_final_message\":false")]
    [InlineData("\"reasoning_effort\":\"low\"", "\"reasoning_effort\":\"high\"")]
    [InlineData("\"lora_path\":\"a\"", "\"mm_processor_kwargs\":{\"a\":[1]}")]
    public void Prompts_share_nothing_where_they_differ(string one, string other)
    {
        ulong[] scopes =
        [
            Plain, ScopeOf($"{{{Rest},{one},{Messages}}}"), ScopeOf($"{{{Rest},{other},{Messages}}}"),
            ScopeOf($"{{{Rest},{one},{Messages},{other}}}"),
        ];
        Assert.Equal(one.Split(':')[0] == other.Split(':')[0] ? 3 : 4, scopes.Distinct().Count());
        Assert.Equal(scopes[1], ScopeOf($"{{{Messages},{Rest},{one}}}"));
    }

    [Theory]
    [InlineData("\"cache_salt\":null")]
    [InlineData("\"temperature\":0.5,\"seed\":3,\"user\":\"u\"")]
    [InlineData("\"x\":{\"cache_salt\":\"a\",\"prompt_logprobs\":1}")]
    [InlineData("\"prompt_logprobs\":null,\"cache_prompt\":true")]
    [InlineData("\"logprob_start_len\":-1,\"truncate_prompt_tokens\":-1")]
    public void Other_members_make_no_difference(string member)
    {
        Assert.Equal(Plain, ScopeOf($"{{{Rest},{member},{Messages}}}"));
        Assert.False(Scan($"{{{Rest},{member},{Messages}}}", Dialect.OpenAiChat).SkipsCache);
    }

    [Theory]
    [InlineData("\"prompt_logprobs\":0")]
    [InlineData("\"prompt_logprobs\":-1")]
    [InlineData("\"logprob_start_len\":0")]
    [InlineData("\"truncate_prompt_tokens\":100")]
    [InlineData("\"skip_reading_prefix_cache\":true")]
    [InlineData("\"cache_prompt\":false")]
    [InlineData("\"prompt_log\\u0070robs\":1")]
    public void Some_say_that_the_engine_does_not_look_into_its_cache(string member)
    {
        foreach (var dialect in new[] { Dialect.OpenAiChat, Dialect.Anthropic })
        {
            Assert.True(Scan($"{{{Rest},{member},{Messages}}}", dialect).SkipsCache);
        }
    }

    [Fact]
    public void Given_twice_the_last_counts_as_it_does_for_engines()
    {
        var last = ScopeOf($"{{{Rest},\"cache_salt\":\"b\",{Messages}}}");
        Assert.Equal(last, ScopeOf($"{{{Rest},\"cache_salt\":\"a\",{Messages},\"cache_salt\":\"b\"}}"));
    }

    [Fact]
    public void A_scan_that_is_used_again_knows_nothing_of_the_body_before()
    {
        var scan = Scan($"{{{Rest},\"cache_salt\":\"a\",\"prompt_logprobs\":1,{Messages}}}", Dialect.OpenAiChat);
        scan.Start(Dialect.OpenAiChat, isCount: false);
        var body = Encoding.UTF8.GetBytes($"{{{Rest},{Messages}}}");
        Assert.Equal(ScanStatus.Complete, scan.Advance(body, isFinal: true));
        Assert.Equal((false, Plain), (scan.SkipsCache, scan.ScopeOf(body, 1)));
    }

    private static ulong ScopeOf(string body) =>
        Scan(body, Dialect.OpenAiChat).ScopeOf(Encoding.UTF8.GetBytes(body), 1);

    private static BodyScan Scan(string body, Dialect dialect)
    {
        var scan = new BodyScan(64);
        scan.Start(dialect, isCount: false);
        Assert.Equal(ScanStatus.Complete, scan.Advance(Encoding.UTF8.GetBytes(body), isFinal: true));
        return scan;
    }
}
