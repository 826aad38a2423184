using Penstock.Core.Config;
using Penstock.Core.Primitives;

namespace Penstock.Gateway.Requests;

/// <summary>
/// What the prefix of a prompt is believed to be shared within: the tenant, as configured, the model or adapter that
/// the engine is asked for, and whatever else the body says that the engine keeps caches apart by. A request that has
/// the engine not look into its cache shares with nobody: it takes its room there, and nothing is predicted of it or
/// learned from it.
/// </summary>
internal static class CacheScope
{
    /// <param name="x">A request whose key is known, and whose body was scanned to its end.</param>
    /// <param name="seed">A secret of this gateway, or of its cluster: nobody outside can look for prompts that
    /// collide.</param>
    public static ulong Of(Exchange x, ulong seed)
    {
        var scope = x.Fleet.Routing.CacheScope switch
        {
            KnownNames.ScopeAll => seed,
            KnownNames.ScopeWorkspace => Hash64.Of(x.Key.Workspace, Hash64.Of(x.Key.Org, seed)),
            _ => Hash64.Of(x.Key.Org, seed),
        };
        scope = x.Scan.ScopeOf(x.Body.Span, Hash64.Combine(Hash64.Of(ModelOf(x), scope), (ulong)x.Dialect));
        return x.Scan.SkipsCache ? KeyedHash.Of(x.Id.ToByteArray(), scope) : scope;
    }

    /// <summary>A pool that names no model of the engine's sends the client's own name, which may be an adapter's.
    /// </summary>
    private static string ModelOf(Exchange x)
    {
        var model = x.Fleet.Models.GetValueOrDefault(x.Scan.Model) ?? x.Fleet.DefaultModel;
        return model is null || model.Pools.Any(static p => p.UpstreamModel is null) ? x.Scan.Model : model.Id;
    }
}
