namespace Penstock.Gateway.Tests.Clients;

/// <summary><c>penstock serve</c> as it comes: the pool of simulated replicas.</summary>
public sealed class DemoPool : ClientTarget
{
    private GatewayProcess? _gateway;

    public override string Expected => "simulated";

    public override async ValueTask InitializeAsync()
    {
        _gateway = await GatewayProcess.Start();
        (Url, Key) = (_gateway.Url, _gateway.Key);
        Model = await FirstModel();
    }

    public override async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            await using var gateway = _gateway;
            await gateway.Stop();
        }
    }
}

/// <summary><c>penstock serve</c> in front of two real llama-servers.</summary>
public sealed class LlamaServers : ClientTarget
{
    private readonly List<RealEngine> _engines = [];
    private GatewayProcess? _gateway;

    public override async ValueTask InitializeAsync()
    {
        Unavailable = await RealEngine.WhyUnavailable();
        if (Unavailable is not null)
        {
            return;
        }

        try
        {
            _engines.Add(await RealEngine.Start());
            _engines.Add(await RealEngine.Start());
            _gateway = await GatewayProcess.Start(
                [.. _engines.SelectMany(e => new[] { "--engine", e.Url.ToString() })]);
            (Url, Key) = (_gateway.Url, _gateway.Key);
            Model = await FirstModel();
        }
        catch
        {
            // Nobody disposes of what did not come up, and the engines would outlive the tests.
            await DisposeAsync();
            throw;
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await using var gateway = _gateway;
        try
        {
            await (gateway?.Stop() ?? Task.CompletedTask);
        }
        finally
        {
            foreach (var engine in _engines)
            {
                await engine.DisposeAsync();
            }
        }
    }
}

/// <summary><c>penstock serve --strict-models</c> in front of an engine that calls the tools it is offered.</summary>
public sealed class ToolPool : ClientTarget
{
    private readonly ScriptedEngine _engine = new();
    private GatewayProcess? _gateway;

    public override bool CallsTools => true;

    public override bool StrictModels => true;

    public override async ValueTask InitializeAsync()
    {
        await _engine.Start();
        _gateway = await GatewayProcess.Start("--strict-models", "--engine", _engine.Url.ToString());
        (Url, Key) = (_gateway.Url, _gateway.Key);
        Model = await FirstModel();
    }

    public override async ValueTask DisposeAsync()
    {
        await using var engine = _engine;
        if (_gateway is not null)
        {
            await using var gateway = _gateway;
            await gateway.Stop();
        }
    }
}

/// <summary>The scripted engine without a gateway: it shows that the clients' checks can be passed.</summary>
public sealed class BareEngine : ClientTarget
{
    private readonly ScriptedEngine _engine = new(key: "sk-scripted");

    public override bool CallsTools => true;

    public override bool StrictModels => true;

    public override async ValueTask InitializeAsync()
    {
        await _engine.Start();
        (Url, Key, Model) = (_engine.Url, "sk-scripted", ScriptedEngine.Model);
    }

    public override ValueTask DisposeAsync() => _engine.DisposeAsync();
}
