using Microsoft.AspNetCore.Http;
using Penstock.Core.Prefixes;
using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Engine.Kinds;

/// <summary>
/// What one kind of engine has for itself: the pages that tell what it is and how it does, and the shape of its cache.
/// Stateless.
/// </summary>
internal abstract class EngineKind
{
    /// <summary>Tokens of a block unless somebody says otherwise; null: what the profile says.</summary>
    public virtual int? BlockTokens => null;

    public abstract CacheKind Cache { get; }

    /// <summary>Answers carry llama.cpp's <c>timings</c>.</summary>
    public virtual bool TellsTimings => false;

    /// <summary>By method and path, such as <c>GET /health</c>.</summary>
    protected abstract IReadOnlyDictionary<string, EnginePage> Pages { get; }

    /// <summary>The kind of that name.</summary>
    public static EngineKind Of(SimulatedEngineKind kind) => kind switch
    {
        SimulatedEngineKind.Sglang => SglangKind.Instance,
        SimulatedEngineKind.Trtllm => TrtllmKind.Instance,
        SimulatedEngineKind.LlamaCpp => LlamaCppKind.Instance,
        _ => VllmKind.Instance,
    };

    /// <summary>Answers a request for a page that only this kind has, or has its own way; null: it has none.</summary>
    /// <param name="engine">The engine asked.</param>
    /// <param name="http">The request.</param>
    /// <param name="question">Its method and path; HEAD counts as GET.</param>
    public Task? Serve(SimulatedEngine engine, HttpContext http, string question) =>
        Pages.TryGetValue(question, out var page) ? page(engine, http) : null;

    /// <summary>Whether the path is one of this kind's, whatever the method.</summary>
    public bool HasPage(string path)
    {
        foreach (var question in Pages.Keys)
        {
            if (question.AsSpan(question.IndexOf(' ', StringComparison.Ordinal) + 1).SequenceEqual(path))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>A page of an engine.</summary>
internal delegate Task EnginePage(SimulatedEngine engine, HttpContext http);
