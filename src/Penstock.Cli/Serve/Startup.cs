using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Logging;
using Penstock.Cli.Engine;
using Penstock.Core.Config;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Hosting;

namespace Penstock.Cli.Serve;

/// <summary>
/// What a run starts from, whichever way it was given: a document to follow, engines to ask, or the demo. Owns the
/// document's watch and the demo's engines.
/// </summary>
internal sealed class Startup : IAsyncDisposable
{
    private readonly ConfigFile? _file;
    private readonly SimulatedEngineHost? _demo;

    private Startup(FleetSource source, GatewayOptions gateway, ConfigFile? file, SimulatedEngineHost? demo)
    {
        Source = source;
        Gateway = gateway;
        _file = file;
        _demo = demo;
    }

    public FleetSource Source { get; }

    public GatewayOptions Gateway { get; }

    /// <summary>The key in the data folder; null where the document names the keys.</summary>
    public string? GeneratedKey { get; private init; }

    /// <summary>Prepares a run; null: what is wrong was said on <paramref name="error"/>.</summary>
    /// <exception cref="IOException">The data folder cannot be written.</exception>
    public static async Task<Startup?> PrepareAsync(
        ServeOptions options, TextWriter error, ILoggerFactory logs, CancellationToken stop) =>
        options.Config is { } path ? FromFile(path, options, error, logs)
        : options.Engines.IsEmpty ? await FromDemoAsync(options, error, logs, stop)
        : await FromEnginesAsync(options, error, logs, stop);

    /// <summary>Follows the document, where there is one, until told to stop.</summary>
    public async Task FollowAsync(CancellationToken stop)
    {
        try
        {
            await (_file?.RunAsync(stop) ?? Task.Delay(Timeout.Infinite, stop));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Told to stop: the drain is next.
        }
    }

    public async ValueTask DisposeAsync()
    {
        _file?.Dispose();
        if (_demo is not null)
        {
            await _demo.DisposeAsync();
        }
    }

    private static Startup? FromFile(string path, ServeOptions options, TextWriter error, ILoggerFactory logs)
    {
        string? generated = null;
        var (file, errors) = ConfigFile.Open(
            path,
            document =>
            {
                document = Overlay(document, options);
                if (document.Keys.IsEmpty)
                {
                    generated = ReadKey(document.Server.Data);
                    document = document with { Keys = [GeneratedKeyConfig(generated)] };
                }

                return document;
            },
            TimeProvider.System,
            logs);
        if (file is null)
        {
            Refuse(path, errors, error);
            return null;
        }

        return new Startup(file.Source, Options(file.Source.Document), file, null) { GeneratedKey = generated };
    }

    private static async Task<Startup?> FromEnginesAsync(
        ServeOptions options, TextWriter error, ILoggerFactory logs, CancellationToken stop)
    {
        var found = await EngineFleet.ProbeAsync(options.Engines, TimeProvider.System, stop);
        foreach (var missing in found.Where(f => f.Identity is null))
        {
            await error.WriteLineAsync($"penstock: {missing.Reason}");
        }

        if (!found.Any(f => f.Identity is { Models.IsEmpty: false }))
        {
            await error.WriteLineAsync("penstock: none of the engines can be used");
            return null;
        }

        return FromDocument(key => EngineFleet.Describe(found, key, options.StrictModels), options, error, logs, null);
    }

    private static async Task<Startup?> FromDemoAsync(
        ServeOptions options, TextWriter error, ILoggerFactory logs, CancellationToken stop)
    {
        var demo = await DemoFleet.StartAsync(stop);
        return FromDocument(
            key => DemoFleet.Describe(demo.Urls, key, options.StrictModels), options, error, logs, demo);
    }

    private static Startup? FromDocument(
        Func<KeyConfig, PenstockConfig> describe, ServeOptions options, TextWriter error, ILoggerFactory logs,
        SimulatedEngineHost? demo)
    {
        var key = ReadKey(options.Data ?? new ServerConfig().Data);
        var document = Overlay(describe(GeneratedKeyConfig(key)), options);
        var load = ConfigLoader.FromDocument(document, 1, SecretValues.None);
        var source = FleetSource.TryCreate(load, TimeProvider.System, logs.CreateLogger<FleetSource>());
        if (source is null)
        {
            Refuse("the engines", load.Errors, error);
            return null;
        }

        return new Startup(source, Options(document), null, demo) { GeneratedKey = key };
    }

    private static string ReadKey(string data)
    {
        try
        {
            Directory.CreateDirectory(data);
            return KeyFile.ReadOrMake(data);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"the data folder {data} cannot be used: {e.Message}", e);
        }
    }

    private static KeyConfig GeneratedKeyConfig(string key) => new()
    {
        Id = "default",
        Admin = true,
        Secret = new KeySecretConfig { Sha256 = KeyFile.Sha256(key) },
    };

    private static PenstockConfig Overlay(PenstockConfig document, ServeOptions options) => document with
    {
        StrictModels = document.StrictModels || options.StrictModels,
        Server = document.Server with
        {
            Port = options.Port ?? document.Server.Port,
            AdminPort = options.AdminPort ?? document.Server.AdminPort,
            Data = options.Data ?? document.Server.Data,
        },
    };

    private static GatewayOptions Options(PenstockConfig document) => new()
    {
        Address = AddressOf(document.Server.Host),
        Port = document.Server.Port,
        AdminAddress = AddressOf(document.Server.AdminHost),
        AdminPort = document.Server.AdminPort,
        Data = document.Server.Data,
        OtlpEndpoint = document.Telemetry.OtlpEndpoint,
    };

    private static IPAddress AddressOf(string host) =>
        host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(host);

    private static void Refuse(string what, ImmutableArray<ConfigError> errors, TextWriter error)
    {
        error.WriteLine($"penstock: {what}: {(errors.Length == 1 ? "1 error" : $"{errors.Length} errors")}");
        foreach (var one in errors)
        {
            error.WriteLine($"  {one}");
        }
    }
}
