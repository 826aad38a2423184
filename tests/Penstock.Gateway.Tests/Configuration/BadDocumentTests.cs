namespace Penstock.Gateway.Tests.Configuration;

public class BadDocumentTests
{
    /// <summary>What is added to the minimal document, and the errors that it must give.</summary>
    public static TheoryData<string, string[]> Settings() => new()
    {
        { "serer: {}", ["7:1: serer: there is no such setting; did you mean 'server'?"] },
        { "server: {prot: 1}", ["7:10: server.prot: there is no such setting; did you mean 'port'?"] },
        { "server: {port: 1, port: 2}", ["7:19: server.port: is set on line 7 already; remove one of the two"] },
        { "server: {port: '8080'}",
            ["7:16: server.port: must be a whole number, but is the text '8080'; write it without quotes"] },
        { "server: {port: 8e3}", ["7:16: server.port: must be a whole number, but is the number 8e3"] },
        { "server: {port: 99999999999}", ["7:16: server.port: must be a whole number, but is the number 99999999999"] },
        { "server: {port: 70000}", ["7:10: server.port: is 70000; it can be from 0 to 65535"] },
        { "server: {port: [1]}", ["7:16: server.port: must be a whole number, but is a list"] },
        { "server: 5", ["7:9: server: must be a mapping, but is the number 5"] },
        { "server: {drain: 5}",
            ["7:17: server.drain: must be a duration such as 150ms, 5s or 1h30m, but is the number 5"] },
        { "server: {drain: -5s}",
            ["7:17: server.drain: must be a duration such as 150ms, 5s or 1h30m, but is the text '-5s'"] },
        { "server: {host: 5}", ["7:16: server.host: must be text, but is the number 5; put it in quotes"] },
        { "server: {host: true}", ["7:16: server.host: must be text, but is true; put it in quotes"] },
        { "server: {host: example.org}",
            ["7:10: server.host: 'example.org' is no address to listen on; write an IP address, or localhost"] },
        { "server: {host: {a: b}}", ["7:16: server.host: must be text, but is a mapping"] },
        { "strict_models: yes", ["7:16: strict_models: must be true or false, but is the text 'yes'"] },
        { "limits: {body_max: 32}",
            ["7:20: limits.body_max: must be a size such as 512 KiB or 32 MiB, but is the number 32"] },
        { "limits: {body_max: 1 B}", ["7:10: limits.body_max: is 1 B; it can be from 1 KiB to 1 GiB"] },
        { "routing: {retry_budget: .nan}", ["7:25: routing.retry_budget: must be a number, but is the number .nan"] },
        { "routing: {retry_budget: 1.5}", ["7:11: routing.retry_budget: is 1.5; it can be from 0 to 1"] },
        { "routing: {policy: lmetirc}", ["7:11: routing.policy: 'lmetirc' is not known; did you mean 'lmetric'?"] },
        { "telemetry: {otlp_endpoint: localhost}", ["7:28: telemetry.otlp_endpoint: must be a URL such as "
            + "http://127.0.0.1:8000, but is the text 'localhost'"] },
        { "keys: {}", ["7:7: keys: must be a list, but is a mapping"] },
        { "keys: [5, ~]",
            ["7:8: keys[0]: must be a mapping, but is the number 5",
             "7:11: keys[1]: must be a mapping, but is empty"] },
        { "prices: [{model: m, input: 1}]", ["7:10: prices[0].output: is missing and has no default "
            + "(USD per million tokens of the answer.)"] },
        { "prices: [{model: m, input: a, output: -1, effective_from: 2026-13-01}]",
            ["7:28: prices[0].input: must be a number, but is the text 'a'",
             "7:31: prices[0].output: is -1; it can be from 0 to 100000",
             "7:59: prices[0].effective_from: must be a date such as 2026-01-31 or a time such as "
                + "2026-01-31T08:00:00Z, but is the text '2026-13-01'"] },
        { "server: !!map {}", ["7:9: server: has the tag tag:yaml.org,2002:map; tags are not used here"] },
        { "server: {<<: {port: 1}}",
            ["7:10: server: merge keys (<<) are not read; repeat the settings, or alias one value"] },
        { "default_model: x\n---\nmodels: []", ["7:1: default_model: there is no model 'x'; known are m",
            "8:1: a second document starts here; write one"] },
    };

    [Theory]
    [MemberData(nameof(Settings))]
    public void Every_mistake_is_named_with_its_place(string added, string[] errors) =>
        Assert.Equal(errors, Documents.Load($"{Documents.Minimal}\n{added}\n").Errors.Select(e => e.ToString()));

    [Theory]
    [InlineData("", "the document is empty")]
    [InlineData("# nothing but a comment", "the document is empty")]
    [InlineData("just words", "1:1: must be a mapping, but is the text 'just words'")]
    [InlineData("models: [", "2:1: ")]
    [InlineData("a: b: c", "1:5: ")]
    [InlineData("a: *nothing", "1:4: no anchor 'nothing' before this alias")]
    [InlineData("a: &a [*a]", "1:8: no anchor 'a' before this alias")]
    [InlineData("{[a]: b}", "1:2: a key here is not a word")]
    [InlineData("? {a: b}\n: c", "1:3: a key here is not a word")]
    public void A_text_that_is_no_document_is_refused(string yaml, string error)
    {
        var loaded = Documents.Load(yaml);
        Assert.False(loaded.Ok);
        Assert.Contains(loaded.Errors, e => e.ToString().StartsWith(error, StringComparison.Ordinal));
    }

    [Fact]
    public void Mistakes_of_every_kind_are_found_in_one_go()
    {
        var errors = Documents.Load("""
            sever: {port: 1}
            models:
              - id: a
              - display_name: 5
            pools:
              - name: p
                model: aa
                engine: vlm
                replicas: [ftp://x]
              - model: a
                credential: {env: MISSING}
                replicas: []
            """).Errors;
        Assert.Equal(
            [
                "1:1: sever", "4:5: models[1].id", "4:19: models[1].display_name", "7:5: pools[0].model",
                "8:5: pools[0].engine", "9:16: pools[0].replicas[0].url", "10:5: pools[1].name",
                "11:18: pools[1].credential.env", "12:5: pools[1].replicas",
            ],
            errors.Select(e => $"{e.Line}:{e.Column}: {e.Path}"));
    }

    [Theory]
    [InlineData("pools[0].credential", "credential: sk-do-not-print")]
    [InlineData("pools[0].credential.env", "credential: {env: sk-do-not-print}")]
    [InlineData("pools[0].credential.env", "credential: {env: 12345678901}")]
    public void A_secret_written_by_mistake_is_not_repeated(string path, string setting)
    {
        var error = Assert.Single(Documents.Load($"{Documents.Minimal}\n    {setting}\n").Errors);
        Assert.Equal(path, error.Path);
        Assert.DoesNotContain("do-not-print", error.ToString());
        Assert.DoesNotContain("12345678901", error.ToString());
    }
}
