using Penstock.Core.Outcomes;

namespace Penstock.Gateway.Requests;

/// <summary>Finds the model that a request names, among those that its key may use.</summary>
internal static class ModelSelection
{
    private const int NameCharsMax = 256;

    public static Failure? Select(Exchange x)
    {
        var name = x.Scan.Model;
        if (!x.Fleet.Models.TryGetValue(name, out var model))
        {
            if (x.Fleet.DefaultModel is null || name.Length is 0 or > NameCharsMax)
            {
                var shown = name.Length > NameCharsMax ? name[..NameCharsMax] + "…" : name;
                return new Failure(FailureKind.ModelNotFound, $"model: {shown}", "model");
            }

            model = x.Fleet.DefaultModel;
            x.ModelSubstituted = true;
        }

        if (!x.Key.Models.IsEmpty && !x.Key.Models.Contains(model.Id))
        {
            return new Failure(
                FailureKind.PermissionDenied, $"this API key may not use the model {model.Id}", "model");
        }

        x.Model = model;
        return null;
    }
}
