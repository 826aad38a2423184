using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>The outer fields of any event.</summary>
internal ref struct EventFields
{
    public ReadOnlySpan<byte> Type;
    public ReadOnlySpan<byte> Delta;
    public ReadOnlySpan<byte> Block;
    public ReadOnlySpan<byte> Message;
    public ReadOnlySpan<byte> Usage;

    public static EventFields Of(ReadOnlySpan<byte> data)
    {
        var said = default(EventFields);
        var fields = new JsonFields(data);
        while (fields.Next())
        {
            if (fields.Is("type"u8))
            {
                said.Type = fields.Text;
            }
            else if (fields.Is("delta"u8))
            {
                said.Delta = fields.Object;
            }
            else if (fields.Is("content_block"u8))
            {
                said.Block = fields.Object;
            }
            else if (fields.Is("message"u8))
            {
                said.Message = fields.Object;
            }
            else if (fields.Is("usage"u8))
            {
                said.Usage = fields.Object;
            }
        }

        return said;
    }
}

/// <summary>The fields of a block's start that matter.</summary>
internal ref struct BlockFields
{
    public ReadOnlySpan<byte> Type;
    public ReadOnlySpan<byte> Id;
    public ReadOnlySpan<byte> Name;
    public ReadOnlySpan<byte> Text;
    public ReadOnlySpan<byte> Input;

    public static BlockFields Of(ReadOnlySpan<byte> json)
    {
        var block = default(BlockFields);
        var fields = new JsonFields(json);
        while (fields.Next())
        {
            if (fields.Is("type"u8))
            {
                block.Type = fields.Text;
            }
            else if (fields.Is("id"u8))
            {
                block.Id = fields.Text;
            }
            else if (fields.Is("name"u8))
            {
                block.Name = fields.Text;
            }
            else if (fields.Is("input"u8))
            {
                block.Input = fields.Object;
            }
            else if (fields.Is("text"u8) || fields.Is("thinking"u8) || fields.Is("data"u8)
                || fields.Is("explanation"u8))
            {
                block.Text = fields.Text;
            }
        }

        return block;
    }
}
