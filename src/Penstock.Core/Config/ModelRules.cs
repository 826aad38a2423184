namespace Penstock.Core.Config;

/// <summary>What must hold for models, their names, and every place that names one.</summary>
internal sealed class ModelRules
{
    private readonly Dictionary<string, (string Path, string Id)> _names = new(StringComparer.Ordinal);
    private readonly ConfigErrors _errors;

    public ModelRules(PenstockConfig config, ConfigErrors errors)
    {
        _errors = errors;
        for (var i = 0; i < config.Models.Length; i++)
        {
            Claim($"models[{i}].id", config.Models[i].Id, config.Models[i].Id);
        }

        for (var i = 0; i < config.Models.Length; i++)
        {
            var aliases = config.Models[i].Aliases;
            for (var j = 0; j < aliases.Length; j++)
            {
                Claim($"models[{i}].aliases[{j}]", aliases[j], config.Models[i].Id);
            }
        }
    }

    /// <summary>The id behind an id or alias; null where there is none.</summary>
    public string? IdOf(string name) => _names.TryGetValue(name, out var found) ? found.Id : null;

    public void Check(PenstockConfig config)
    {
        if (config.Models.IsEmpty)
        {
            _errors.Add("models", "is empty; name at least one model");
        }

        var served = config.Pools
            .Select(p => IdOf(p.Model ?? ""))
            .OfType<string>()
            .ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < config.Models.Length; i++)
        {
            if (_names.ContainsKey(config.Models[i].Id ?? "") && !served.Contains(config.Models[i].Id))
            {
                _errors.Add($"models[{i}].id", $"no pool serves '{config.Models[i].Id}'; add one to pools");
            }
        }

        if (config.DefaultModel is { } name)
        {
            Reference("default_model", name);
        }
    }

    /// <summary>Says so where <paramref name="name"/> is no model.</summary>
    public void Reference(string path, string? name)
    {
        if (name is not null && !_names.ContainsKey(name))
        {
            _errors.Add(path, $"there is no model '{name}'{CloseNames.Hint(name, _names.Keys)}");
        }
    }

    private void Claim(string path, string? name, string id)
    {
        if (!NameRules.Check(path, name, _errors))
        {
            return;
        }

        if (_names.TryGetValue(name, out var first))
        {
            _errors.Add(path, $"'{name}' is taken by {first.Path}; ids and aliases of models are unique together");
            return;
        }

        _names.Add(name, (path, id));
    }
}
