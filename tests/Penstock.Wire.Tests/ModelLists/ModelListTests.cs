using System.Text;
using Penstock.Wire.ModelLists;

namespace Penstock.Wire.Tests.ModelLists;

public class ModelListTests
{
    private const string LlamaCpp = """
        {"models":[{"name":"m"}],"object":"list","data":[{"id":"m","aliases":["m","n"],"object":"model",
        "created":1,"owned_by":"llamacpp","meta":{"n_ctx":512,"n_ctx_train":2048}}]}
        """;

    [Fact]
    public void Reads_the_form_of_vllm_with_its_adapters()
    {
        var list = ModelList.Parse("""
            {"object":"list","data":[
            {"id":"base","object":"model","owned_by":"vllm","parent":null,"max_model_len":32768},
            {"id":"lora","object":"model","owned_by":"vllm","parent":"base","max_model_len":null}]}
            """u8.ToArray())!;
        Assert.False(list.IsAnthropic);
        Assert.Equal(["base", "lora"], list.Cards.Select(c => c.Id));
        Assert.Equal([32_768, null], list.Cards.Select(c => c.ContextTokens));
        Assert.Equal([null, "base"], list.Cards.Select(c => c.Parent));
    }

    [Fact]
    public void Reads_the_form_of_llama_cpp_with_its_aliases()
    {
        var card = Assert.Single(ModelList.Parse(Encoding.UTF8.GetBytes(LlamaCpp))!.Cards);
        Assert.Equal(("m", "llamacpp", 512), (card.Id, card.OwnedBy, card.ContextTokens));
        Assert.Equal(["n"], card.Aliases);
    }

    [Fact]
    public void Reads_the_form_of_anthropic()
    {
        var list = ModelList.Parse("""
            {"data":[{"type":"model","id":"claude-x","display_name":"Claude X"}],"has_more":false,"first_id":null}
            """u8.ToArray())!;
        Assert.True(list.IsAnthropic);
        Assert.Equal(("claude-x", "Claude X"), (list.Cards[0].Id, list.Cards[0].DisplayName));
    }

    [Theory]
    [InlineData("""{"data":{}}""")]
    [InlineData("""{"error":"no"}""")]
    [InlineData("[1]")]
    [InlineData("<html>")]
    public void What_is_no_list_is_null(string body) => Assert.Null(ModelList.Parse(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void Entries_without_a_usable_name_are_left_out_and_the_list_is_bounded()
    {
        var many = string.Join(',', Enumerable.Range(0, ModelList.CardsMax + 10).Select(i => $$"""{"id":"m{{i}}"}"""));
        var list = ModelList.Parse(Encoding.UTF8.GetBytes($$"""{"data":[{{many}}]}"""))!;
        Assert.Equal(ModelList.CardsMax, list.Cards.Length);
        var odd = $$"""{"data":[{"id":5},{"id":""},{"id":"{{new string('x', 1000)}}"},7,null,{"id":"ok"}]}""";
        Assert.Equal("ok", Assert.Single(ModelList.Parse(Encoding.UTF8.GetBytes(odd))!.Cards).Id);
    }

    [Fact]
    public void Survives_any_body() =>
        Mutations.Survives(Encoding.UTF8.GetBytes(LlamaCpp), body => ModelList.Parse(body));
}
