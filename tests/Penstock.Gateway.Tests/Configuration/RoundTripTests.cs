using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Config;
using Penstock.Core.Primitives;
using Penstock.Gateway.Configuration;

namespace Penstock.Gateway.Tests.Configuration;

public class RoundTripTests
{
    [Fact]
    public void Every_valid_document_reads_back_as_it_was_written() =>
        Prop.ForAll<ulong>(seed =>
        {
            var document = new DocumentDraw(seed).Document();
            var written = ConfigWriter.ToJson(document);
            var read = ConfigLoader.FromText(written, 1, SecretReader.Assume);
            return read.Ok && ConfigWriter.ToJson(read.Document!) == written && Same(read.Document!, document);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_example_in_the_documentation_is_valid_and_shows_every_setting()
    {
        var text = Documents.RepositoryFile("docs/configuration.md");
        var start = text.IndexOf("```yaml\n", StringComparison.Ordinal) + "```yaml\n".Length;
        var example = text[start..text.IndexOf("```\n", start, StringComparison.Ordinal)];
        var loaded = ConfigLoader.FromText(example, 1, SecretReader.Assume);
        Assert.Empty(loaded.Errors);
        Assert.All(Names(ValueShape.Document), name => Assert.Contains($"{name}:", example));
    }

    [Fact]
    public void What_the_example_calls_a_default_is_one()
    {
        var shown = Documents.Valid("models: [{id: m}]\npools: [{name: p, model: m, replicas: [http://a]}]");
        Assert.Equal(new PenstockConfig().Server, shown.Server);
        Assert.Equal(new PenstockConfig().Limits, shown.Limits);
        Assert.Equal(LimitsSnapshot.Default, Documents.Load(Documents.Minimal).Snapshot!.Limits);
        Assert.Equal(RoutingSnapshot.Default, Documents.Load(Documents.Minimal).Snapshot!.Routing);
        Assert.Equal(TimeoutsSnapshot.Default, Documents.Load(Documents.Minimal).Snapshot!.Pools[0].Timeouts);
    }

    // Two records of the same values are equal but for their lists, which are compared one by one.
    private static bool Same(PenstockConfig a, PenstockConfig b) =>
        a.Server == b.Server && a.Limits == b.Limits && a.Routing == b.Routing && a.Telemetry == b.Telemetry
        && a.Ledger == b.Ledger && a.DefaultModel == b.DefaultModel && a.StrictModels == b.StrictModels
        && Same(a.Cluster, b.Cluster)
        && a.Prices.SequenceEqual(b.Prices)
        && a.Models.Zip(b.Models).All(p => p.First == p.Second with { Aliases = p.First.Aliases }
            && p.First.Aliases.SequenceEqual(p.Second.Aliases))
        && a.Pools.Zip(b.Pools).All(p => p.First == p.Second with { Replicas = p.First.Replicas }
            && p.First.Replicas.SequenceEqual(p.Second.Replicas))
        && a.Keys.Zip(b.Keys).All(p => p.First == p.Second with { Models = p.First.Models }
            && p.First.Models.SequenceEqual(p.Second.Models));

    private static bool Same(ClusterConfig? a, ClusterConfig? b) => a is null || b is null
        ? a == b
        : a == b with { Peers = a.Peers } && a.Peers.SequenceEqual(b.Peers);

    private static IEnumerable<string> Names(ValueShape shape) => shape switch
    {
        RecordShape record => record.Settings.SelectMany(s => Names(s.Value).Prepend(s.Name)),
        ListShape list => Names(list.Element),
        _ => [],
    };

    /// <summary>Draws a valid document; the seed is all that the property varies.</summary>
    private sealed class DocumentDraw(ulong seed)
    {
        private static readonly string[] Texts =
            ["x", "405", "true", "null", "~", "a: b", "é \"q\" \\ \t#", "- [", "'"];
        private Rng _rng = new(seed);

        public PenstockConfig Document()
        {
            ImmutableArray<string> ids = [.. Enumerable.Range(0, 1 + Below(4)).Select(i => $"model-{i}")];
            return new()
            {
                Server = new() { Port = Below(65_536), AdminPort = 0, Drain = Duration(0), Data = Any(Texts) },
                Limits = new() { BodyMax = new(1_024 + Below(1 << 20)), PingAfter = Duration(1) },
                Routing = new() { Policy = Any([.. KnownNames.Policies]), RetryBudget = _rng.NextDouble() },
                Telemetry = new() { OtlpEndpoint = Below(2) == 0 ? null : new("http://127.0.0.1:4318/v1") },
                Ledger = new() { JournalMax = new(1L << (26 + Below(10))) },
                Cluster = Below(2) == 0 ? null : Cluster(),
                StrictModels = Below(2) == 0,
                DefaultModel = Below(2) == 0 ? null : Any([.. ids]),
                Models = [.. ids.Select(Model)],
                Pools = [.. ids.Select(id => Pool($"pool-of-{id}", id))],
                Keys = [.. Enumerable.Range(0, Below(3)).Select(i => Key(i, ids))],
                Prices = [.. ids.Select(Price)],
            };
        }

        private ClusterConfig Cluster() => new()
        {
            Node = Below(2) == 0 ? null : "405",
            Port = 0,
            Advertise = Below(2) == 0 ? null : new("http://gw-1:8082"),
            Peers = [.. Enumerable.Range(0, Below(3)).Select(i => new Uri($"http://10.0.0.{i}:8082"))],
            Database = Below(2) == 0 ? null : new("postgres://penstock@db:5432/penstock"),
            Secret = new() { Env = "CLUSTER" },
        };

        private ModelConfig Model(string id) => new()
        {
            Id = id,
            Aliases = [.. Enumerable.Range(0, Below(3)).Select(i => $"{id}/alias:{i}")],
            DisplayName = Below(2) == 0 ? null : Any(Texts),
            ContextWindow = Below(2) == 0 ? null : 1 + Below(1_000_000),
            Created = Below(2) == 0 ? null : Moment(),
            Slo = Objectives(),
        };

        private PoolConfig Pool(string name, string model) => new()
        {
            Name = name,
            Model = model,
            Engine = Any([.. KnownNames.Engines]),
            Policy = Below(2) == 0 ? null : Any([.. KnownNames.Policies]),
            UpstreamModel = Below(2) == 0 ? null : "405",
            Simulated = Below(2) == 0,
            Timeouts = new() { Connect = Duration(1), BetweenBytes = Duration(1) },
            Slo = Objectives(),
            Replicas =
            [
                .. Enumerable.Range(0, 1 + Below(3)).Select(i => new ReplicaConfig
                {
                    Url = new($"http://10.0.0.{i}:8000/v{Below(3)}"),
                    Name = Below(2) == 0 ? null : $"r{i}",
                    Accelerator = Below(2) == 0 ? null : "true",
                }),
            ],
        };

        private SloConfig Objectives() => new()
        {
            FirstToken = Below(2) == 0 ? null : Duration(0),
            PerToken = Below(2) == 0 ? null : Duration(0),
        };

        private KeyConfig Key(int index, ImmutableArray<string> models) => new()
        {
            Id = $"key-{index}",
            Secret = new() { Sha256 = $"{index}{new string('e', 63)}" },
            Models = Below(2) == 0 ? [] : models,
            Admin = Below(2) == 0,
        };

        private PriceConfig Price(string model) => new()
        {
            Model = model,
            EffectiveFrom = Below(2) == 0 ? null : Moment(),
            Input = Below(1_000_000_000) / 1_000_000m,
            Output = Below(1_000),
            CacheRead = Below(2) == 0 ? null : 0.025m,
        };

        private TimeSpan Duration(int secondsMin) =>
            TimeSpan.FromSeconds(secondsMin) + TimeSpan.FromTicks(Below(int.MaxValue));

        private DateTimeOffset Moment() =>
            new(new DateTime(2020, 1, 1).AddTicks((long)(_rng.NextUInt64() >> 14)), TimeSpan.FromHours(Below(25) - 12));

        private int Below(int exclusiveMax) => _rng.NextInt32(exclusiveMax);

        private string Any(string[] from) => from[Below(from.Length)];
    }
}
