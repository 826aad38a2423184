using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Penstock.Cli.Output;

namespace Penstock.Cli.Serve;

/// <summary><c>penstock serve</c>: the gateway, until it is told to stop.</summary>
internal sealed class ServeCommand
{
    private readonly Option<int?> _port = PortOption("--port", "Port of clients; 8080 where nothing else is said.");

    private readonly Option<int?> _adminPort =
        PortOption("--admin-port", "Port of operators: health, metrics, decisions; 8081 where nothing else is said.");

    private readonly Option<string?> _data = new("--data")
    {
        Description = "Folder of the ledger and the generated key; ./.penstock where nothing else is said.",
    };

    private readonly Option<string?> _config = new("--config")
    {
        Description = "The configuration document (YAML). It is followed: an edit takes effect when it is saved.",
    };

    private readonly Option<Uri[]> _engines = new("--engine")
    {
        Description = "Address of a running engine; may be given several times. What it is, is found out by asking.",
        CustomParser = ParseUrls,
    };

    private readonly Option<bool> _strict = new("--strict-models")
    {
        Description = "Refuse model names that are not known, instead of sending them to the default model.",
    };

    public static Command Create() => new ServeCommand().Build();

    private DocumentedCommand Build()
    {
        var command = new DocumentedCommand(
            "serve",
            "Serve clients of the Anthropic and OpenAI APIs. "
            + "Without --engine and --config: a demo of simulated engines.",
            "penstock serve",
            "penstock serve --engine http://127.0.0.1:8000 --engine http://127.0.0.1:8001",
            "penstock serve --config penstock.yaml --port 80 --data /var/lib/penstock")
        {
            _port,
            _adminPort,
            _data,
            _config,
            _engines,
            _strict,
        };
        _data.Validators.Add(static result =>
        {
            if (result.Tokens is [{ Value: "" }])
            {
                result.AddError("--data is empty; name a folder.");
            }
        });
        command.Validators.Add(result =>
        {
            if (result.GetResult(_config) is not null && result.GetResult(_engines) is not null)
            {
                result.AddError("--config and --engine exclude each other: name the engines in the document.");
            }
        });
        command.SetAction((parsed, stop) => ServeRun.RunAsync(
            new ServeOptions
            {
                Port = parsed.GetValue(_port),
                AdminPort = parsed.GetValue(_adminPort),
                Data = parsed.GetValue(_data),
                Config = parsed.GetValue(_config),
                Engines = [.. parsed.GetValue(_engines) ?? []],
                StrictModels = parsed.GetValue(_strict),
            },
            parsed.InvocationConfiguration.Output,
            parsed.InvocationConfiguration.Error,
            stop));
        return command;
    }

    private static Option<int?> PortOption(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= 65535)
            {
                return port;
            }

            result.AddError($"{name} takes a port from 0 to 65535, not '{text}'; 0 takes a free one.");
            return null;
        },
    };

    private static Uri[] ParseUrls(ArgumentResult result)
    {
        var urls = new List<Uri>();
        foreach (var token in result.Tokens)
        {
            if (Uri.TryCreate(token.Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
            {
                urls.Add(url);
            }
            else
            {
                result.AddError($"--engine takes an http or https address, not '{token.Value}'.");
            }
        }

        return [.. urls];
    }
}
