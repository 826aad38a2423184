using System.CommandLine;
using System.Text.Json;
using Penstock.Cli.Output;
using Penstock.Core.Config;
using Penstock.Gateway.Configuration;
using Spectre.Console;

namespace Penstock.Cli.Checking;

/// <summary><c>penstock check</c>: says everything that is wrong with a document, or what it describes.</summary>
internal sealed class CheckCommand
{
    private readonly Argument<string?> _file = new("file")
    {
        Description = "The configuration document (YAML).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<bool> _schema = new("--schema")
    {
        Description = "Print the JSON schema of the document instead.",
    };

    private readonly Option<bool> _skipSecrets = new("--skip-secrets")
    {
        Description = "Do not look for the secrets that the document names.",
    };

    public static Command Create() => new CheckCommand().Build();

    private DocumentedCommand Build()
    {
        var command = new DocumentedCommand(
            "check",
            "Check a configuration document: every error with its place, or a summary.",
            "penstock check penstock.yaml",
            "penstock check penstock.yaml --skip-secrets --json",
            "penstock check --schema > penstock.schema.json")
        {
            _file,
            _schema,
            _skipSecrets,
            CommandOutput.JsonOption(),
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(_file) is null && !result.GetValue(_schema))
            {
                result.AddError("Name the file to check, or ask for --schema.");
            }
        });
        command.SetAction(parsed => Run(parsed, new CommandOutput(parsed)));
        return command;
    }

    private int Run(ParseResult parsed, CommandOutput output)
    {
        if (parsed.GetValue(_schema))
        {
            output.Line(ConfigSchema.ToJson().TrimEnd());
            return ExitCode.Ok;
        }

        var path = parsed.GetValue(_file)!;
        if (!System.IO.File.Exists(path))
        {
            return output.BadUsage($"there is no file {path}");
        }

        var secrets = SecretReader.FromProcess(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var loaded = ConfigLoader.FromFile(
            path, version: 1, parsed.GetValue(_skipSecrets) ? SecretReader.Assume : secrets.Read);
        output.Report(
            json => WriteJson(json, path, loaded),
            () => WriteText(output, path, loaded));
        return loaded.Ok ? ExitCode.Ok : ExitCode.Failed;
    }

    private static void WriteText(CommandOutput output, string path, ConfigLoad loaded)
    {
        if (loaded.Snapshot is not { } fleet)
        {
            foreach (var error in loaded.Errors)
            {
                output.Line(error.Line is null ? $"{path}: {error}" : $"{path}:{error}");
            }

            output.Line();
            output.Line(Count(loaded.Errors.Length, "error"));
            return;
        }

        output.Line($"OK: {path}");
        var table = new Table()
            .TextColumns("Model", "Pool", "Provider", "Region", "Accelerator", "Engine", "Policy")
            .NumberColumns("Replicas");
        foreach (var model in fleet.ModelList)
        {
            foreach (var pool in model.Pools)
            {
                table.Cells(
                    model.Id, pool.Name, pool.Provider, pool.Region, pool.Accelerator, pool.Engine, pool.Policy,
                    Fields.Show(pool.Replicas.Length));
            }
        }

        output.Table(table);
        output.Line(Summary(loaded.Document!));
    }

    private static string Summary(PenstockConfig document) =>
        $"{Count(document.Models.Length, "model")}, {Count(document.Pools.Length, "pool")}, "
        + $"{Count(document.Keys.Length, "key")}, {Count(document.Prices.Length, "price")}; unknown models "
        + (document is { DefaultModel: { } name, StrictModels: false } ? $"go to {name}" : "are refused");

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";

    private static void WriteJson(Utf8JsonWriter json, string path, ConfigLoad loaded)
    {
        json.WriteStartObject();
        json.WriteBoolean("ok", loaded.Ok);
        json.WriteString("file", path);
        json.WriteStartArray("errors");
        foreach (var error in loaded.Errors)
        {
            json.WriteStartObject();
            json.WriteString("path", error.Path);
            json.WriteString("message", error.Message);
            if (error is { Line: { } line, Column: { } column })
            {
                json.WriteNumber("line", line);
                json.WriteNumber("column", column);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (loaded.Ok)
        {
            json.WritePropertyName("document");
            ConfigWriter.Write(json, loaded.Document!);
        }

        json.WriteEndObject();
    }
}
