using System.Collections.Immutable;
using System.Security.Cryptography;
using Penstock.Core.Config;
using Penstock.Core.Metering;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Config;

public class ConfigCompilerTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly ReplicaConfig Replica = new() { Url = new Uri("http://10.0.0.1:8000/base/") };

    private static readonly PoolConfig Pool = new() { Name = "p", Model = "m", Replicas = [Replica] };

    private static readonly PenstockConfig Valid = new()
    {
        Models = [new() { Id = "m", Aliases = ["alias"] }],
        Pools = [Pool],
    };

    [Fact]
    public void A_model_is_found_under_its_id_and_its_aliases()
    {
        var fleet = Compiled(Valid);
        Assert.Same(fleet.Models["m"], fleet.Models["alias"]);
        Assert.Same(fleet.Models["m"], Assert.Single(fleet.ModelList));
        Assert.Equal("m", fleet.Models["m"].DisplayName);
    }

    [Fact]
    public void A_pool_serves_the_model_that_it_names_by_an_alias()
    {
        var fleet = Compiled(Valid with { Pools = [Pool with { Model = "alias" }] });
        var pool = Assert.Single(fleet.Pools);
        Assert.Equal("m", pool.Model);
        Assert.Same(pool, Assert.Single(fleet.Models["m"].Pools));
    }

    [Fact]
    public void A_replica_without_a_name_is_called_by_where_it_listens() =>
        Assert.Equal("10.0.0.1:8000/base", Compiled(Valid).Pools[0].Replicas[0].Name);

    [Fact]
    public void A_pool_without_a_policy_has_that_of_the_fleet()
    {
        var config = Valid with
        {
            Routing = new() { Policy = "random" },
            Pools = [Pool, Pool with { Name = "q", Policy = "least-tokens" }],
        };
        Assert.Equal(["random", "least-tokens"], Compiled(config).Pools.Select(p => p.Policy));
    }

    [Theory]
    [InlineData(null, null, 2, 0.1)]
    [InlineData(4_000, null, 4, 0.1)]
    [InlineData(null, 50, 2, 0.05)]
    [InlineData(0, 0, 0, 0)]
    public void A_pool_has_the_objectives_of_its_model_but_for_its_own(
        int? firstToken, int? perToken, double first, double each)
    {
        var own = new SloConfig { FirstToken = Milliseconds(firstToken), PerToken = Milliseconds(perToken) };
        var fleet = Compiled(Valid with
        {
            Models =
            [
                new() { Id = "other" },
                new()
                {
                    Id = "m",
                    Aliases = ["alias"],
                    Slo = new() { FirstToken = Milliseconds(2_000), PerToken = Milliseconds(100) },
                },
            ],
            Pools = [Pool with { Model = "alias", Slo = own }, Pool with { Name = "q", Model = "other" }],
        });
        Assert.Equal(new Slo(first, each), fleet.Pools[0].Slo);
        Assert.Equal(first > 0, fleet.Pools[0].Slo.IsSet);
        Assert.False(fleet.Pools[1].Slo.IsSet);
    }

    [Fact]
    public void Unknown_models_go_to_the_default_unless_names_are_strict()
    {
        var config = Valid with { DefaultModel = "alias" };
        Assert.Equal("m", Compiled(config).DefaultModel?.Id);
        Assert.Null(Compiled(config with { StrictModels = true }).DefaultModel);
        Assert.Null(Compiled(Valid).DefaultModel);
    }

    [Fact]
    public void A_model_is_simulated_only_where_all_its_pools_are()
    {
        var simulated = Pool with { Simulated = true };
        Assert.True(Compiled(Valid with { Pools = [simulated] }).Models["m"].Simulated);
        Assert.False(Compiled(Valid with { Pools = [simulated, Pool with { Name = "q" }] }).Models["m"].Simulated);
    }

    [Fact]
    public void A_key_is_found_by_its_hash_wherever_it_came_from()
    {
        var digest = SHA256.HashData("secret-1"u8);
        var config = Valid with
        {
            Keys =
            [
                new() { Id = "by-hash", Secret = Hash(Convert.ToHexString(digest)), Models = ["alias", "m"] },
                new() { Id = "by-env", Secret = new() { Env = "KEY" }, Admin = true },
            ],
        };
        var fleet = Compiled(config, Secrets((new(SecretKind.Environment, "KEY"), SecretValue.Found("secret-2"))));
        var byHash = fleet.Keys[KeyHash.FromDigest(digest)];
        Assert.Equal(("by-hash", "default", false), (byHash.Id, byHash.Org, byHash.Admin));
        Assert.Equal(["m"], byHash.Models);
        Assert.True(fleet.Keys[KeyHash.FromDigest(SHA256.HashData("secret-2"u8))].Admin);
    }

    [Fact]
    public void A_pool_has_its_credential_and_does_not_print_it()
    {
        var config = Valid with { Pools = [Pool with { Credential = new() { File = "f" } }] };
        var secrets = Secrets((new(SecretKind.File, "f"), SecretValue.Found("sk-hidden")));
        var pool = Compiled(config, secrets).Pools[0];
        Assert.Equal("sk-hidden", pool.UpstreamKey);
        Assert.DoesNotContain("hidden", pool.ToString());
        Assert.DoesNotContain("hidden", secrets.Find(new(SecretKind.File, "f")).ToString());
    }

    [Fact]
    public void A_longer_prompt_has_the_price_of_its_band()
    {
        var fleet = Compiled(Valid with
        {
            Prices =
            [
                new() { Model = "alias", Input = 9, Output = 0, AbovePromptTokens = 1_000 },
                new() { Model = "m", Input = 3, Output = 15 },
            ],
        });
        Assert.Equal(Money.FromUsd(0.003m), fleet.Prices.PriceOf("m", new TokenUsage(1_000, 0, 0, 0, 0), Now));
        Assert.Equal(new Money(1_001 * 9), fleet.Prices.PriceOf("m", new TokenUsage(1_001, 0, 0, 0, 0), Now));
        Assert.Equal(new Money(30), fleet.Prices.PriceOf("m", new TokenUsage(0, 0, 0, 10, 0), Now));
    }

    [Fact]
    public void A_model_without_a_price_has_the_published_one_if_there_is_one()
    {
        var known = PublishedPrices.Entries[0].Model;
        var usage = new TokenUsage(1_000_000, 0, 0, 0, 0);
        var config = new PenstockConfig
        {
            Models = [new() { Id = known }, new() { Id = "m" }],
            Pools = [Pool, Pool with { Name = "q", Model = known }],
        };
        Assert.NotNull(Compiled(config).Prices.PriceOf(known, usage, Now));
        Assert.Null(Compiled(config).Prices.PriceOf("m", usage, Now));
        var own = config with { Prices = [new() { Model = known, Input = 0, Output = 0 }] };
        Assert.Equal(Money.Zero, Compiled(own).Prices.PriceOf(known, usage, Now));
    }

    public static TheoryData<string, string[]> Mistakes() => new()
    {
        { "no models", ["models: is empty", "pools[0].model: there is no model 'm'"] },
        { "no pools", ["models[0].id: no pool serves 'm'", "pools: is empty"] },
        { "alias taken", ["models[1].id: 'm' is taken by models[0].id",
            "models[2].aliases[1]: 'm' is taken by models[0].id"] },
        { "default model", ["default_model: there is no model 'alas'; did you mean 'alias'?"] },
        { "pool names", ["pools[1].name: 'p' is taken by pools[0].name", "pools[2].name: has a space"] },
        { "replicas", ["pools[0].replicas[0].url: has the scheme 'ftp'", "pools[0].replicas[1].url: carries a user",
            "pools[0].replicas[2].url: carries a query",
            "pools[0].replicas[4].name: 'x' is taken by pools[0].replicas[3].name"] },
        { "no replicas", ["pools[0].replicas: is empty"] },
        { "key", ["keys[0].models[1]: there is no model 'n'", "keys[0].secret: names no source",
            "keys[1].id: 'k' is taken by keys[0].id", "keys[1].secret.sha256: has 5 characters"] },
        { "same key", ["keys[1].secret: is the same key as keys[0].secret"] },
        { "credential", ["pools[0].credential.env: environment variable NOT_THERE is gone"] },
        { "variable", ["pools[0].credential.env: is not the name of an environment variable"] },
        { "prices", ["prices[1]: prices the same model, date and prompt length as prices[0]",
            "prices[2].above_prompt_tokens: leaves short prompts of 'm' without a price"] },
        { "price decimals", ["prices[0].input: has more than 6 decimals"] },
        { "ports", ["server.admin_port: is 8080, the same as server.port"] },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Says_all_that_is_wrong_with_its_path(string mistake, string[] expected)
    {
        var secrets = Secrets((new(SecretKind.Environment, "NOT_THERE"), SecretValue.Missing("is gone")));
        var compiled = ConfigCompiler.Compile(Wrong(mistake), 1, secrets);
        Assert.Null(compiled.Snapshot);
        Assert.Equal(expected.Length, compiled.Errors.Length);
        Assert.All(expected, text => Assert.Contains(compiled.Errors, e => e.ToString().StartsWith(text)));
    }

    [Fact]
    public void A_hopeless_document_gives_a_bounded_list_that_says_so()
    {
        var pools = Enumerable.Repeat(Pool with { Name = "", Model = "no" }, 1_000).ToImmutableArray();
        var errors = ConfigCompiler.Compile(Valid with { Pools = pools }, 1, SecretValues.None).Errors;
        Assert.Equal(ConfigErrors.CountMax + 1, errors.Length);
        Assert.Contains("not listed", errors[^1].Message);
    }

    private static PenstockConfig Wrong(string mistake) => mistake switch
    {
        "no models" => Valid with { Models = [] },
        "no pools" => Valid with { Pools = [] },
        "alias taken" => Valid with {
            Models = [new() { Id = "m" }, new() { Id = "m" }, new() { Id = "n", Aliases = ["x", "m"] }],
            Pools = [Pool, Pool with { Name = "q", Model = "n" }] },
        "default model" => Valid with { DefaultModel = "alas" },
        "pool names" => Valid with { Pools = [Pool, Pool, Pool with { Name = "a b" }] },
        "replicas" => Valid with { Pools = [Pool with { Replicas = [
            At("ftp://h"), At("http://u:p@i"), At("http://g?q"),
            Replica with { Name = "x" }, Replica with { Name = "x" }] }] },
        "no replicas" => Valid with { Pools = [Pool with { Replicas = [] }] },
        "key" => Valid with { Keys = [new() { Id = "k", Secret = new(), Models = ["m", "n"] },
            new() { Id = "k", Secret = new() { Sha256 = "12345" } }] },
        "same key" => Valid with { Keys = [new() { Id = "a", Secret = new() { Sha256 = new string('a', 64) } },
            new() { Id = "b", Secret = new() { Sha256 = new string('A', 64) } }] },
        "credential" => Valid with { Pools = [Pool with { Credential = new() { Env = "NOT_THERE" } }] },
        "variable" => Valid with { Pools = [Pool with { Credential = new() { Env = "sk-live-1" } }] },
        "prices" => Valid with { Prices = [Price(), Price(),
            Price() with { EffectiveFrom = Now, AbovePromptTokens = 5 }] },
        "price decimals" => Valid with { Prices = [Price() with { Input = 0.12345678m }] },
        "ports" => Valid with { Server = new() { Port = 8080, AdminPort = 8080 } },
        _ => throw new ArgumentOutOfRangeException(nameof(mistake)),
    };

    private static TimeSpan? Milliseconds(int? number) =>
        number is { } known ? TimeSpan.FromMilliseconds(known) : null;

    private static KeySecretConfig Hash(string sha256) => new() { Sha256 = sha256 };

    private static PriceConfig Price() => new() { Model = "m", Input = 1, Output = 2 };

    private static ReplicaConfig At(string url) => new() { Url = new Uri(url) };

    private static FleetSnapshot Compiled(PenstockConfig config, SecretValues? secrets = null)
    {
        var compiled = ConfigCompiler.Compile(config, 1, secrets ?? SecretValues.None);
        Assert.Empty(compiled.Errors);
        return compiled.Snapshot!;
    }

    private static SecretValues Secrets(params (SecretSource Source, SecretValue Value)[] values) =>
        new(values.ToImmutableDictionary(v => v.Source, v => v.Value));
}
