namespace Penstock.Core.Config;

/// <summary>What must hold for the settings of the process itself.</summary>
internal static class ServerRules
{
    public static void Check(PenstockConfig config, ConfigErrors errors)
    {
        var server = config.Server;
        NameRules.Check("server.host", server.Host, errors);
        NameRules.Check("server.admin_host", server.AdminHost, errors);
        if (server.Port != 0 && server.Port == server.AdminPort)
        {
            errors.Add("server.admin_port", $"is {server.Port}, the same as server.port; choose another port");
        }

        if (string.IsNullOrWhiteSpace(server.Data))
        {
            errors.Add("server.data", "is empty; write a directory");
        }

        if (config.Telemetry.OtlpEndpoint is { } endpoint)
        {
            PoolRules.Url("telemetry.otlp_endpoint", endpoint, errors);
        }

        Word("routing.policy", config.Routing.Policy, KnownNames.Policies, errors);
        Word("telemetry.log_level", config.Telemetry.LogLevel, KnownNames.LogLevels, errors);
        for (var i = 0; i < config.Pools.Length; i++)
        {
            Word($"pools[{i}].engine", config.Pools[i].Engine, KnownNames.Engines, errors);
            Word($"pools[{i}].policy", config.Pools[i].Policy, KnownNames.Policies, errors);
        }
    }

    private static void Word(string path, string? word, IReadOnlyCollection<string> known, ConfigErrors errors)
    {
        if (word is not null && !known.Contains(word) && !errors.Has(path))
        {
            errors.Add(path, $"'{word}' is not known{CloseNames.Hint(word, known)}");
        }
    }
}
