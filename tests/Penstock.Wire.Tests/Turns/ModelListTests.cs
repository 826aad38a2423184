using System.Buffers;
using System.Text;
using Penstock.Wire.Anthropic;
using Penstock.Wire.OpenAI;
using Penstock.Wire.Turns;
using static Penstock.Wire.Tests.Turns.Translate;

namespace Penstock.Wire.Tests.Turns;

public sealed class ModelListTests
{
    private static readonly ModelEntry[] Models =
    [
        new("big", "Big", new DateTimeOffset(2026, 1, 2, 5, 4, 5, TimeSpan.FromHours(2)), 8192, 1024),
        new("demo", "Demo", DateTimeOffset.UnixEpoch, Simulated: true),
    ];

    [Fact]
    public void Anthropic_lists_carry_every_null_and_say_what_is_simulated() => AssertJson(
        """
        {"data":[
          {"id":"big","type":"model","display_name":"Big","created_at":"2026-01-02T03:04:05Z","line":null,
           "lifecycle":"active","deprecated_at":null,"retires_at":null,"max_input_tokens":8192,"max_tokens":1024,
           "capabilities":null},
          {"id":"demo","type":"model","display_name":"Demo (simulated)","created_at":"1970-01-01T00:00:00Z","line":null,
           "lifecycle":"active","deprecated_at":null,"retires_at":null,"max_input_tokens":null,"max_tokens":null,
           "capabilities":null,"simulated":true}],
         "has_more":true,"first_id":"big","last_id":"demo"}
        """,
        Written(output => AnthropicModels.WriteList(Models, hasMore: true, output)));

    [Fact]
    public void An_empty_Anthropic_page_has_no_first_and_last() => AssertJson(
        """{"data":[],"has_more":false,"first_id":null,"last_id":null}""",
        Written(output => AnthropicModels.WriteList([], hasMore: false, output)));

    [Fact]
    public void OpenAI_lists_say_what_is_simulated() => AssertJson(
        """
        {"object":"list","data":[
          {"id":"big","object":"model","created":1767323045,"owned_by":"penstock","max_model_len":8192},
          {"id":"demo","object":"model","created":0,"owned_by":"penstock-simulated"}]}
        """,
        Written(output => OpenAiModels.WriteList(Models, output)));

    [Fact]
    public void One_model_is_written_alone()
    {
        Assert.StartsWith(
            "{\"id\":\"demo\"",
            Written(o => AnthropicModels.WriteModel(Models[1], o)),
            StringComparison.Ordinal);
        Assert.StartsWith(
            "{\"id\":\"demo\"",
            Written(o => OpenAiModels.WriteModel(Models[1], o)),
            StringComparison.Ordinal);
    }

    private static string Written(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
