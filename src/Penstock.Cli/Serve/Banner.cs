using Penstock.Core.Config;
using Penstock.Gateway.Hosting;

namespace Penstock.Cli.Serve;

/// <summary>What a person reads when the gateway is up: where it is, what is behind it, and how to use it.</summary>
internal static class Banner
{
    public static void Write(TextWriter output, GatewayHost host, FleetSnapshot fleet, string? key, string data)
    {
        var url = host.Url.OriginalString;
        output.WriteLine($"Penstock is serving at {url} (admin: {host.AdminUrl.OriginalString})");
        output.WriteLine();
        foreach (var model in fleet.ModelList)
        {
            var replicas = model.Pools.Sum(p => p.Replicas.Length);
            var simulated = model.Simulated ? " SIMULATED: no model runs, the text is made up." : "";
            output.WriteLine($"  model    {model.Id}, {replicas} replica(s).{simulated}");
        }

        if (fleet.DefaultModel is { } fallback)
        {
            output.WriteLine($"           any other model name goes to {fallback.Id} (--strict-models refuses it)");
        }

        if (key is null)
        {
            output.Flush();
            return;
        }

        output.WriteLine($"  API key  {key}   (also in {Path.Combine(data, "key")})");
        output.WriteLine();
        output.WriteLine("Try it:");
        output.WriteLine();
        output.WriteLine($"  curl {url}/v1/messages -H 'x-api-key: {key}' -H 'anthropic-version: 2023-06-01' \\");
        output.WriteLine(
            "    -H 'content-type: application/json' -d '{\"model\":\"" + fleet.ModelList[0].Id
            + "\",\"max_tokens\":64,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}'");
        output.WriteLine();
        output.WriteLine("Claude Code:");
        output.WriteLine();
        output.WriteLine($"  export ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY={key}");
        output.WriteLine();
        output.WriteLine($"OpenAI SDKs: base URL {url}/v1, the same key. Ctrl-C drains and stops.");
        output.Flush();
    }
}
