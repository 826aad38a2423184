using System.Text;
using Penstock.Core.Prefixes;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Replicas;

public sealed class ProfileCatalogTests
{
    [Fact]
    public void Every_built_in_profile_can_be_simulated_and_names_its_source()
    {
        Assert.NotEmpty(ProfileCatalog.All);
        foreach (var profile in ProfileCatalog.All)
        {
            Assert.Empty(profile.Errors());
            Assert.True(profile.Source.Length > 20);
            Assert.Same(profile, ProfileCatalog.Find(profile.Name.ToUpperInvariant()));
        }

        Assert.Equal(ProfileCatalog.All.Length, ProfileCatalog.All.Select(p => p.Name).Distinct().Count());
        Assert.Null(ProfileCatalog.Find("nothing"));
    }

    [Fact]
    public void A_profile_is_read_from_json()
    {
        const string Json = """
            {"name":"mine","accelerator":"1xA100","model":"m","engine":"vllm","source":"measured here",
             "step":{"d0":5,"d1":0.1,"d2":1e-5,"p1":0.02,"jitter":0.1},"kv_blocks":1000,"model_length_max":8192}
            """;

        var profile = ProfileCatalog.Parse(Encoding.UTF8.GetBytes(Json), out var errors);

        Assert.Empty(errors);
        Assert.Equal("mine", profile!.Name);
        Assert.Equal(0.02, profile.Step.P1);
        Assert.Equal(16, profile.BlockSize);
        Assert.Equal(256, profile.Step.KneeTokens);
        Assert.Equal(16_000, profile.KvTokens);
    }

    [Theory]
    [InlineData("", CacheKind.Paged)]
    [InlineData(""","cache":"paged" """, CacheKind.Paged)]
    [InlineData(""","cache":"radix" """, CacheKind.Radix)]
    [InlineData(""","cache":"slots","sequences_max":2,"host_cache_tokens":9 """, CacheKind.Slots)]
    public void A_profile_says_how_its_engine_keeps_memory(string more, CacheKind cache)
    {
        var json = $$"""
            {"name":"x","accelerator":"a","model":"m","engine":"e","source":"s","step":{"d0":1,"d1":0,"d2":0,"p1":0},
             "kv_blocks":16384,"block_size":1,"model_length_max":8192{{more}}}
            """;

        var profile = ProfileCatalog.Parse(Encoding.UTF8.GetBytes(json), out var errors);

        Assert.Empty(errors);
        Assert.Equal(cache, profile!.Cache);
        Assert.Equal(cache == CacheKind.Slots ? 9 : 0, profile.HostCacheTokens);
    }

    [Theory]
    [InlineData("{", "json")]
    [InlineData("null", "null")]
    [InlineData("""{"name":"x"}""", "step")]
    [InlineData(
        """
        {"name":"x","accelerator":"a","model":"m","engine":"e","source":"s","step":{"d0":0,"d1":0,"d2":0,"p1":-1},
         "kv_blocks":10,"model_length_max":8192}
        """,
        "step.d0 must be more than 0")]
    [InlineData(
        """
        {"name":"x","accelerator":"a","model":"m","engine":"e","source":"s","step":{"d0":1,"d1":0,"d2":0,"p1":0},
         "kv_blocks":10,"model_length_max":8192}
        """,
        "kv_blocks * block_size must hold model_length_max tokens")]
    [InlineData(
        """
        {"name":"x","accelerator":"a","model":"m","engine":"e","source":"s","step":{"d0":1,"d1":0,"d2":0,"p1":0},
         "kv_blocks":1000,"model_length_max":8192,"kv_block":3}
        """,
        "kv_block")]
    [InlineData(
        """
        {"name":"x","accelerator":"a","model":"m","engine":"e","source":"s","step":{"d0":1,"d1":0,"d2":0,"p1":0},
         "kv_blocks":1000,"model_length_max":8192,"cache":"tape"}
        """,
        "cache must be")]
    [InlineData(
        """
        {"name":"x","accelerator":"a","model":"m","engine":"e","source":"s","step":{"d0":1,"d1":0,"d2":0,"p1":0},
         "kv_blocks":1000,"model_length_max":8192,"cache":"slots","sequences_max":2}
        """,
        "each of sequences_max slots")]
    public void A_profile_that_cannot_be_used_says_why(string json, string expected)
    {
        Assert.Null(ProfileCatalog.Parse(Encoding.UTF8.GetBytes(json), out var errors));
        Assert.Contains(errors, error => error.Contains(expected, StringComparison.OrdinalIgnoreCase));
    }
}
