using System.Text;
using Penstock.Core.Models;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>Bodies and paths of both dialects.</summary>
internal static class Bodies
{
    public const string Messages = "/v1/messages";
    public const string Chat = "/v1/chat/completions";
    public const string Count = "/v1/messages/count_tokens";

    public static string PathOf(Dialect dialect) => dialect == Dialect.Anthropic ? Messages : Chat;

    /// <summary>A short request. An OpenAI stream asks for usage, so that nothing has to be spliced in.</summary>
    public static string Of(Dialect dialect, bool stream, string model = RunningGateway.Model)
    {
        var options = dialect == Dialect.OpenAiChat && stream ? "\"stream_options\":{\"include_usage\":true}," : "";
        return $$"""
            {"model":"{{model}}","max_tokens":64,{{(stream ? "\"stream\":true," : "")}}{{options}}"messages":[
            {"role":"user","content":"Say hello"}]}
            """;
    }

    /// <summary>Bodies that a re-encoding would change: each must reach an engine as it is.</summary>
    public static IReadOnlyDictionary<string, string> Peculiar { get; } = new Dictionary<string, string>
    {
        ["pretty"] = "{\r\n\t\"model\" : MODEL ,\n  \"max_tokens\"\t:\t64,\n \"messages\" : [ MESSAGE ]\r\n}\n",
        ["numbers"] = """{"temperature":1.0,"x":1e3,"y":-0.0,"z":1E+2,"big":12345678901234567890123,REST}""",
        ["escapes"] = """{"note":"\u00e9\/\ud83d\ude00\b","n\u00f6te":"\u0000",REST}""",
        ["unicode"] = "{\"note\":\"é 日本 😀 \u2028 \u200b \u202e \ufeff e\u0301\",REST}",
        ["unknown"] = """{"zzz":{"a":[{},[],null,true]},"context_management":{"edits":[]},REST,"aaa":[1]}""",
        ["duplicates"] = """{"metadata":{"a":{"k":1,"k":2},"":0,"":1},"q":1,"q":2,REST}""",
        ["order"] = """{"messages":[MESSAGE],"zeta":1,"max_tokens":64,"alpha":2,"model":MODEL}""",
        ["large"] = "{\"note\":\"" + new string('x', 1_000_000) + "\",REST}",
        ["padded"] = "  \n\t{REST}  \n ",
    };

    public static byte[] Build(string name, string model, string more = "") => Encoding.UTF8.GetBytes(
        Peculiar[name]
            .Replace("REST", $$"""{{more}}"model":MODEL,"max_tokens":64,"messages":[MESSAGE]""")
            .Replace("MODEL", $"\"{model}\"")
            .Replace("MESSAGE", """{"role":"user","content":"Say h\u0065llo"}"""));
}
