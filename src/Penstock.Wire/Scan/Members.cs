namespace Penstock.Wire.Scan;

/// <summary>Where the members that matter lie in a body.</summary>
internal struct Members
{
    public ValueRange Model;
    public ValueRange StreamOptions;
    public ValueRange IncludeUsage;
    public ValueRange Tools;
    public ValueRange System;
    public ValueRange Messages;
    public (int First, int Last) ToolsEdits;
    public (int First, int Last) SystemEdits;
    public (int First, int Last) MessagesEdits;
    private uint _seen;

    /// <summary>True where the field was there before; notes it otherwise.</summary>
    public bool Seen(BodyField field)
    {
        var bit = 1u << (int)field;
        var before = (_seen & bit) != 0;
        _seen |= bit;
        return before;
    }

    public void Set(BodyField field, ValueRange range, (int First, int Last) edits)
    {
        switch (field)
        {
            case BodyField.Model:
                Model = range;
                break;
            case BodyField.StreamOptions:
                StreamOptions = range;
                break;
            case BodyField.Tools:
                Tools = range;
                ToolsEdits = edits;
                break;
            case BodyField.System:
                System = range;
                SystemEdits = edits;
                break;
            case BodyField.Messages:
                Messages = range;
                MessagesEdits = edits;
                break;
        }
    }
}
