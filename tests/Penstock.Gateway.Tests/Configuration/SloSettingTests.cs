using Penstock.Core.Routing;

namespace Penstock.Gateway.Tests.Configuration;

public class SloSettingTests
{
    [Fact]
    public void A_model_has_objectives_and_a_pool_of_it_others()
    {
        var pools = Documents.Load("""
            models:
              - id: m
                slo: {first_token: 2s, per_token: 50ms}
              - id: n
            pools:
              - {name: p, model: m, replicas: [http://a]}
              - {name: q, model: m, replicas: [http://b], slo: {first_token: 1m}}
              - {name: r, model: n, replicas: [http://c]}
            """).Snapshot!.Pools;
        Assert.Equal([new Slo(2, 0.05), new Slo(60, 0.05), default], pools.Select(p => p.Slo));
    }

    [Theory]
    [InlineData("{first_token: 2h}", "models[0].slo.first_token: is 2h; it can be from 0s to 1h")]
    [InlineData("{per_token: 61m}", "models[0].slo.per_token: is 1h1m; it can be from 0s to 1h")]
    [InlineData("{per_token: 2}", "models[0].slo.per_token: must be a duration such as 150ms")]
    [InlineData("{first_tokens: 2s}", "there is no such setting; did you mean 'first_token'?")]
    [InlineData("2s", "models[0].slo: must be a mapping")]
    public void What_cannot_be_is_refused(string slo, string error) => Assert.Contains(
        error,
        Assert.Single(Documents.Load($$"""
            models: [{id: m, slo: {{slo}}}]
            pools: [{name: p, model: m, replicas: [http://a]}]
            """).Errors).ToString());
}
