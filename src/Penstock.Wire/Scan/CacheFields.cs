using Penstock.Core.Primitives;

namespace Penstock.Wire.Scan;

/// <summary>
/// The members of a body, beside its prompt, on which it depends what an engine finds in its cache: those that are part
/// of the key (salt, adapter), those that change what its template makes of the prompt, and those with which it does
/// not look into its cache at all, or cuts the prompt at its beginning. Forwarded like all others.
/// </summary>
/// <remarks>The names are those of vLLM, SGLang and llama-server in 2026. A member that is given twice counts as given
/// last, as in their parsers; null counts as left out. 8 bytes a name are all its memory.</remarks>
internal sealed class CacheFields
{
    private static readonly byte[][] Keys =
    [
        [.. "cache_salt"u8], [.. "extra_key"u8], [.. "lora_path"u8], [.. "lora"u8],
        [.. "chat_template"u8], [.. "chat_template_kwargs"u8], [.. "documents"u8], [.. "reasoning_effort"u8],
        [.. "add_generation_prompt"u8], [.. "continue_final_message"u8], [.. "add_special_tokens"u8],
        [.. "mm_processor_kwargs"u8], [.. "media_io_kwargs"u8], [.. "vllm_xargs"u8],
    ];

    private static readonly byte[][] Skipping =
    [
        [.. "logprob_start_len"u8], [.. "truncate_prompt_tokens"u8], [.. "prompt_logprobs"u8],
        [.. "skip_reading_prefix_cache"u8], [.. "prompt_embeds"u8],
    ];

    /// <summary>The first of them are places and lengths: what is below 0 is as if they were left out (SGLang: no
    /// logarithms of the prompt; vLLM: no more cut than does not fit).</summary>
    private const int Lengths = 2;

    private readonly ValueRange[] _keys = new ValueRange[Keys.Length];
    private readonly bool[] _skips = new bool[Skipping.Length + 1];
    private int _at;

    /// <summary>The engine finds nothing of the prompt, whatever it holds, or nobody can tell what.</summary>
    public bool SkipsCache => Array.IndexOf(_skips, true) >= 0;

    public void Start()
    {
        Array.Clear(_keys);
        Array.Clear(_skips);
    }

    /// <summary>Whether a member is one of these; then its value comes next.</summary>
    public bool TryBegin(ReadOnlySpan<byte> name)
    {
        _at = IndexOf(Keys, name);
        if (_at < 0)
        {
            var skipping = name.SequenceEqual("cache_prompt"u8) ? Skipping.Length : IndexOf(Skipping, name);
            _at = skipping < 0 ? -1 : Keys.Length + skipping;
        }

        return _at >= 0;
    }

    /// <summary>The value ended with a token.</summary>
    public void End(JsonToken token, ValueRange range, ReadOnlySpan<byte> body)
    {
        if (_at < Keys.Length)
        {
            _keys[_at] = token == JsonToken.Null ? default : range;
        }
        else
        {
            // llama-server's own switch is on where it is left out.
            var at = _at - Keys.Length;
            _skips[at] = at == Skipping.Length
                ? token == JsonToken.False
                : token is not (JsonToken.Null or JsonToken.False)
                    && !(at < Lengths && token == JsonToken.Number && body[range.Start] == (byte)'-');
        }
    }

    /// <summary>The scope of a prompt that came with these members: the same where there are none of them.</summary>
    public ulong Mix(ReadOnlySpan<byte> body, ulong scope)
    {
        for (var i = 0; i < _keys.Length; i++)
        {
            if (_keys[i].IsPresent)
            {
                scope = KeyedHash.Of(body[_keys[i].Start.._keys[i].End], Hash64.Combine(scope, (ulong)i));
            }
        }

        return scope;
    }

    private static int IndexOf(byte[][] names, ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < names.Length; i++)
        {
            if (name.SequenceEqual(names[i]))
            {
                return i;
            }
        }

        return -1;
    }
}
