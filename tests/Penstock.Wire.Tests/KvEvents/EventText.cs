using System.Globalization;
using System.Text;
using Penstock.Core.KvSync;
using Penstock.Wire.KvEvents;

namespace Penstock.Wire.Tests.KvEvents;

/// <summary>Batches as text, one event a line, to be compared.</summary>
internal static class EventText
{
    public static string Of(byte[] payload, KvEventLimits? limits = null)
    {
        var status = KvBatchReader.Open(
            payload, new KvEventBuffers(), limits ?? KvEventLimits.Default, out var batch);
        if (status != KvBatchStatus.Ok)
        {
            return status.ToString();
        }

        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"at {batch.Timestamp} rank {batch.Rank}");
        while (batch.TryNext(out var e))
        {
            text.Append('\n');
            Append(text, in e);
        }

        if (batch.Unknown + batch.Broken > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"\nunknown {batch.Unknown} broken {batch.Broken}");
        }

        return text.Append(batch.IsTruncated ? "\ntruncated" : "").ToString();
    }

    private static void Append(StringBuilder text, in KvEvent e)
    {
        text.Append(e.Kind);
        if (e.Kind == KvEventKind.Cleared)
        {
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $" {e.Tier}");
        text.Append(e.Group < 0 ? "" : $" group {e.Group}").Append(e.Spec == KvSpecKind.Full ? "" : $" {e.Spec}");
        text.Append(e.SlidingWindow == 0 ? "" : $" window {e.SlidingWindow}");
        text.Append(e.HasParent ? $" after {e.Parent:X}" : "");
        text.Append(' ').AppendJoin(',', e.Hashes.ToArray().Select(h => h.ToString("X", null)));
        if (e.Kind == KvEventKind.Stored)
        {
            text.Append(CultureInfo.InvariantCulture, $" of {e.BlockTokens}:");
            text.AppendJoin(',', e.Tokens.ToArray());
        }

        text.Append(e.Adapter.IsEmpty ? "" : $" adapter {Encoding.UTF8.GetString(e.Adapter)}");
        text.Append(e.AdapterId < 0 ? "" : $" adapter {e.AdapterId}");
        text.Append(e.Salt.IsEmpty ? "" : $" salt {Encoding.UTF8.GetString(e.Salt)}");
        text.Append(e.Extras.IsEmpty ? "" : " extras ");
        text.AppendJoin(',', e.Extras.ToArray().Select(x => x == 0 ? "0" : "x"));
    }
}
