using System.Text;
using Penstock.Gateway.Configuration;

namespace Penstock.Gateway.Tests.Configuration;

public class BoundsTests
{
    [Fact]
    public void An_alias_stands_for_the_value_at_its_anchor()
    {
        var document = Documents.Valid("""
            models: [{id: m}]
            pools:
              - {name: p, model: m, replicas: [http://a], timeouts: &slow {connect: 9s}}
              - {name: q, model: m, replicas: [http://a], timeouts: *slow}
            """);
        Assert.Equal(TimeSpan.FromSeconds(9), document.Pools[1].Timeouts.Connect);
    }

    [Fact]
    public void Aliases_of_aliases_end_at_a_bound_with_one_error()
    {
        // Each pool list entry is an alias of a pool with 1,000 replicas: a million values out of a few kilobytes.
        var yaml = new StringBuilder("models: [{id: m}]\npools:\n  - &p\n    name: p\n    model: m\n    replicas: [");
        yaml.AppendJoin(", ", Enumerable.Range(0, 1_000).Select(i => $"http://h:{i + 1}")).Append("]\n");
        yaml.Insert(yaml.Length, "  - *p\n", 1_000);
        var error = Assert.Single(Documents.Load(yaml.ToString()).Errors, e => e.Message.Contains("aliases"));
        Assert.Contains(DocumentBinder.VisitsMax.ToString(), error.Message);
    }

    [Fact]
    public void A_nest_of_aliases_where_no_list_belongs_costs_nothing()
    {
        var yaml = new StringBuilder(Documents.Minimal).Append("\nbomb:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for (var i = 1; i < 30; i++)
        {
            yaml.Append($"  a{i}: &a{i} [").AppendJoin(", ", Enumerable.Repeat($"*a{i - 1}", 9)).Append("]\n");
        }

        Assert.Equal("bomb", Assert.Single(Documents.Load(yaml.ToString()).Errors).Path);
    }

    [Fact]
    public void Nesting_ends_at_a_bound() =>
        Assert.Contains(
            $"nested deeper than {DocumentReader.DepthMax} levels",
            Assert.Single(Documents.Load("a: " + new string('[', 5_000)).Errors).Message);

    [Fact]
    public void The_number_of_values_ends_at_a_bound()
    {
        var yaml = new StringBuilder("keys: [");
        yaml.Insert(yaml.Length, "a,", DocumentReader.NodesMax).Append(']');
        Assert.Contains("more than 500000 values", Assert.Single(Documents.Load(yaml.ToString()).Errors).Message);
    }

    [Fact]
    public void The_length_ends_at_a_bound() =>
        Assert.Contains(
            "characters; at most",
            Assert.Single(Documents.Load(new string('#', DocumentReader.LengthMax + 1)).Errors).Message);
}
