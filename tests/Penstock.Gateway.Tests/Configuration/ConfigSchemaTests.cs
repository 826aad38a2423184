using System.Text.Json;
using Penstock.Gateway.Configuration;

namespace Penstock.Gateway.Tests.Configuration;

public class ConfigSchemaTests
{
    [Fact]
    public void The_committed_schema_is_that_of_the_records() =>
        Assert.True(
            Documents.RepositoryFile("eng/schemas/penstock.schema.json") == ConfigSchema.ToJson(),
            "the records changed; run: ./penstock check --schema > eng/schemas/penstock.schema.json");

    [Fact]
    public void The_schema_knows_types_bounds_words_and_what_must_be_there()
    {
        var root = JsonElement.Parse(ConfigSchema.ToJson()).GetProperty("properties");
        var port = root.GetProperty("server").GetProperty("properties").GetProperty("port");
        Assert.Equal("integer", port.GetProperty("type").GetString());
        Assert.Equal(65_535, port.GetProperty("maximum").GetInt32());
        Assert.Equal(8_080, port.GetProperty("default").GetInt32());

        var pool = root.GetProperty("pools").GetProperty("items");
        Assert.False(pool.GetProperty("additionalProperties").GetBoolean());
        Assert.Equal(
            ["name", "model", "replicas"], pool.GetProperty("required").EnumerateArray().Select(r => r.GetString()));
        var settings = pool.GetProperty("properties");
        var engines = settings.GetProperty("engine").GetProperty("enum").EnumerateArray();
        Assert.Contains("vllm", engines.Select(e => e.GetString()));
        Assert.Equal(2, settings.GetProperty("replicas").GetProperty("items").GetProperty("anyOf").GetArrayLength());
        Assert.Equal(1, settings.GetProperty("credential").GetProperty("maxProperties").GetInt32());
    }

    [Fact]
    public void Every_setting_is_described_in_a_sentence()
    {
        var bad = Settings(ValueShape.Document).Where(s => !s.About.Description.EndsWith('.')).Select(s => s.Name);
        Assert.Empty(bad);
    }

    private static IEnumerable<SettingShape> Settings(ValueShape shape) => shape switch
    {
        RecordShape record => record.Settings.SelectMany(s => Settings(s.Value).Prepend(s)),
        ListShape list => Settings(list.Element),
        _ => [],
    };
}
