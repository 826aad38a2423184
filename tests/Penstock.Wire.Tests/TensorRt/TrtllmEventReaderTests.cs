using System.Globalization;
using System.Text;
using Penstock.Tests.Shared;
using Penstock.Wire.TensorRt;

namespace Penstock.Wire.Tests.TensorRt;

public class TrtllmEventReaderTests
{
    /// <summary>The kinds there are, in the two forms that the engine's two caches give them.</summary>
    private const string Document = """
        [{"event_id":0,"data":{"type":"created","num_blocks_per_cache_level":[100,50]},"window_size":4096},
        {"event_id":1,"data":{"type":"stored","parent_hash":null,"blocks":[
        {"type":"stored_block","block_hash":9622824665191806685,"tokens":[
        {"type":"unique_token","token_id":1,"token_extra_id":0},
        {"type":"unique_token","token_id":2,"token_extra_id":0}],"cache_level":0,"priority":35},
        {"type":"stored_block","block_hash":11,"tokens":[{"type":"unique_token","token_id":3,"token_extra_id":0}],
        "cache_level":1,"priority":35,"cache_salt":null,"mm_keys":[]}]},"window_size":4096,"attention_dp_rank":2},
        {"event_id":2,"hash_algo":"v2_sha256","data":{"type":"stored","parent_hash":
        "00000000000000ff0000000000000000aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","blocks":[
        {"block_hash":"deadbeefdeadbeef0000000000000000aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "tokens":[{"token_id":9,"token_extra_id":77}]}]}},
        {"event_id":3,"data":{"type":"removed","block_hashes":[11,"deadbeefdeadbeef00"]},"window_size":4096},
        {"event_id":4,"data":{"type":"updated","block_hash":11,
        "cache_level":{"type":"event_diff","new_value":1,"old_value":0},
        "priority":{"type":"event_diff","new_value":1,"old_value":2}}},
        {"event_id":5,"data":{"type":"something new","blocks":7}},
        {"no id":true}]
        """;

    private static readonly string[] Expected =
    [
        "0 r0 w4096 Created levels=100,50",
        "1 r2 w4096 Stored parent=- 9622824665191806685[1,2]@0 11[3]@1",
        "2 r0 w0 Stored parent=255 16045690984833335023[9]@0!",
        "3 r0 w4096 Removed 11,16045690984833335023",
        "4 r0 w0 Updated 11 level=1",
        "5 r0 w0 Other",
    ];

    [Fact]
    public void Reads_every_kind_of_event()
    {
        var seen = new Recorder();
        Assert.True(new TrtllmEventReader().Read(Encoding.UTF8.GetBytes(Document), seen));
        Assert.Equal(Expected, seen.Lines);
    }

    [Fact]
    public void A_reader_remembers_nothing_of_the_document_before()
    {
        var reader = new TrtllmEventReader();
        reader.Read(Encoding.UTF8.GetBytes(Document), new Recorder());
        var seen = new Recorder();
        Assert.True(reader.Read("""[{"event_id":9,"data":{"type":"stored"}}]"""u8, seen));
        Assert.Equal(["9 r0 w0 Stored parent=-"], seen.Lines);
    }

    [Theory]
    [InlineData("\"cache_salt\":\"tenant-a\"", true)]
    [InlineData("\"cache_salt\":\"\"", false)]
    [InlineData("\"mm_keys\":[{\"hash\":[1,{\"a\":2}]}]", true)]
    [InlineData("\"mm_keys\":[]", false)]
    [InlineData("\"lora_id\":5", true)]
    [InlineData("\"lora_id\":null", false)]
    public void A_block_that_depends_on_more_than_its_tokens_is_private(string field, bool isPrivate)
    {
        var seen = new Recorder();
        var document = $$"""
            [{"event_id":0,"data":{"type":"stored","blocks":[{ {{field}},"block_hash":7,"tokens":[4,5]}]} }]
            """;
        Assert.True(new TrtllmEventReader().Read(Encoding.UTF8.GetBytes(document), seen));
        Assert.Equal([$"0 r0 w0 Stored parent=- 7[4,5]@0{(isPrivate ? "!" : "")}"], seen.Lines);
    }

    [Fact]
    public void What_breaks_off_is_said_to_and_never_shows_half_an_event()
    {
        var bytes = Encoding.UTF8.GetBytes(Document);
        for (var cut = 0; cut < bytes.Length; cut++)
        {
            var seen = new Recorder();
            Assert.False(new TrtllmEventReader().Read(bytes.AsSpan(0, cut), seen));
            Assert.Equal(Expected[..seen.Lines.Count], seen.Lines);
        }
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[] []")]
    [InlineData("<html>")]
    [InlineData("")]
    public void What_is_no_list_is_refused(string body) =>
        Assert.False(new TrtllmEventReader().Read(Encoding.UTF8.GetBytes(body), new Recorder()));

    [Fact]
    public void Survives_any_body()
    {
        var reader = new TrtllmEventReader();
        Mutations.Survives(Encoding.UTF8.GetBytes(Document), body => reader.Read(body, new Recorder()));
    }

    [Fact]
    public void Nothing_is_allocated_once_the_buffers_are_large_enough()
    {
        var reader = new TrtllmEventReader();
        var bytes = Encoding.UTF8.GetBytes(Document);
        var counter = new Counter();
        Assert.Equal(0, Allocation.Of(() => reader.Read(bytes, counter)));
        Assert.True(counter.Events > 0);
    }

    private sealed class Counter : ITrtllmEventVisitor
    {
        public int Events { get; private set; }

        public void Visit(in TrtllmEvent happened) => Events++;
    }

    private sealed class Recorder : ITrtllmEventVisitor
    {
        public List<string> Lines { get; } = [];

        public void Visit(in TrtllmEvent happened)
        {
            var line = new StringBuilder();
            line.Append(CultureInfo.InvariantCulture, $"{happened.Id} r{happened.Rank} w{happened.Window} ");
            line.Append(happened.Kind);
            if (happened.Kind == TrtllmEventKind.Stored)
            {
                line.Append(CultureInfo.InvariantCulture, $" parent={happened.Parent?.ToString() ?? "-"}");
            }

            foreach (var block in happened.Blocks)
            {
                var tokens = string.Join(',', happened.Tokens.Slice(block.TokenStart, block.TokenCount).ToArray());
                line.Append(CultureInfo.InvariantCulture, $" {block.Hash}[{tokens}]@{block.Level}");
                line.Append(block.IsPrivate ? "!" : "");
            }

            line.Append(happened.Hashes.IsEmpty ? "" : " " + string.Join(',', happened.Hashes.ToArray()));
            line.Append(happened.NewLevel is { } level ? $" level={level}" : "");
            var levels = string.Join(',', happened.BlocksPerLevel.ToArray());
            line.Append(levels == "" ? "" : " levels=" + levels);
            Lines.Add(line.ToString());
        }
    }
}
