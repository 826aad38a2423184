using System.Text.Json;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Tests.Configuration;

namespace Penstock.Gateway.Tests.CommandLine;

public sealed class CheckCommandTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"penstock-{Guid.NewGuid():N}.yaml");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public async Task A_valid_document_is_summed_up_in_a_table()
    {
        var run = await Check(Documents.Minimal);
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.StartsWith($"OK: {_path}", run.Output);
        Assert.Contains("1 model, 1 pool, 0 keys, 0 prices; unknown models are refused", run.Output);
        Assert.DoesNotContain('\u001b', run.Output);
        Assert.All(run.Output, c => Assert.True(c is '\n' or '\r' or (>= ' ' and <= '~')));
    }

    [Fact]
    public async Task Every_error_is_a_line_that_an_editor_can_jump_to()
    {
        var run = await Check("models: 5\npools: 6");
        Assert.Equal((1, ""), (run.Code, run.Error));
        Assert.Equal(
            [
                $"{_path}:1:9: models: must be a list, but is the number 5",
                $"{_path}:2:8: pools: must be a list, but is the number 6",
                "",
                "2 errors",
            ],
            run.Output.TrimEnd().Split(Environment.NewLine));
    }

    [Fact]
    public async Task With_json_the_errors_are_one_document()
    {
        var run = await Check("models: 5\npools: []", "--json");
        Assert.Equal((1, ""), (run.Code, run.Error));
        var report = JsonElement.Parse(run.Output);
        Assert.False(report.GetProperty("ok").GetBoolean());
        var error = report.GetProperty("errors")[0];
        Assert.Equal("models", error.GetProperty("path").GetString());
        Assert.Equal((1, 9), (error.GetProperty("line").GetInt32(), error.GetProperty("column").GetInt32()));
    }

    [Fact]
    public async Task With_json_a_valid_document_is_shown_with_its_defaults()
    {
        var run = await Check(Documents.Minimal, "--json");
        var report = JsonElement.Parse(run.Output);
        Assert.True(report.GetProperty("ok").GetBoolean());
        Assert.Equal(8080, report.GetProperty("document").GetProperty("server").GetProperty("port").GetInt32());
    }

    [Fact]
    public async Task Secrets_are_looked_for_unless_told_otherwise()
    {
        var yaml = Documents.Minimal + "\n    credential: {file: not-here}";
        var run = await Check(yaml);
        Assert.Equal(1, run.Code);
        Assert.Contains("pools[0].credential.file: file not-here does not exist", run.Output);
        Assert.Equal(0, (await Check(yaml, "--skip-secrets")).Code);
    }

    [Fact]
    public async Task The_schema_is_printed_as_it_is_committed()
    {
        var run = await CommandRun.Of("check", "--schema");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal(ConfigSchema.ToJson().TrimEnd(), run.Output.TrimEnd());
    }

    private async Task<CommandRun> Check(string yaml, params string[] options)
    {
        await File.WriteAllTextAsync(_path, yaml, TestContext.Current.CancellationToken);
        return await CommandRun.Of(["check", _path, .. options]);
    }
}
