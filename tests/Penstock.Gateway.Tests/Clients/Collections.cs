namespace Penstock.Gateway.Tests.Clients;

// One gateway a target, shared by all clients that are pointed at it.

[CollectionDefinition(Name)]
public sealed class DemoPoolCollection : ICollectionFixture<DemoPool>
{
    public const string Name = "demo pool";
}

[CollectionDefinition(Name)]
public sealed class LlamaServersCollection : ICollectionFixture<LlamaServers>
{
    public const string Name = "two llama-servers";
}

[CollectionDefinition(Name)]
public sealed class ToolPoolCollection : ICollectionFixture<ToolPool>
{
    public const string Name = "tool pool";
}

[CollectionDefinition(Name)]
public sealed class BareEngineCollection : ICollectionFixture<BareEngine>
{
    public const string Name = "bare engine";
}
