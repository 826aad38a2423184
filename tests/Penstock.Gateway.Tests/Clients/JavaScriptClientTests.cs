namespace Penstock.Gateway.Tests.Clients;

/// <summary>The programs of <c>tests/Clients/js</c>, each of which makes many checks and reports every one.</summary>
internal static class JavaScriptPrograms
{
    public static TheoryData<string> All => ["anthropic-2023", "anthropic-2026", "langchain", "openai", "vercel"];

    public static Task Run(string program, ClientTarget target)
    {
        target.Require();
        return ClientProgram.Run(program, target);
    }
}

[Collection(DemoPoolCollection.Name)]
public class JavaScriptClientsOnTheDemoPoolTests(DemoPool target)
{
    public static TheoryData<string> Programs => JavaScriptPrograms.All;

    [Theory, MemberData(nameof(Programs))]
    public Task Real_clients_work_against_the_demo_pool(string program) => JavaScriptPrograms.Run(program, target);
}

[Collection(LlamaServersCollection.Name)]
public class JavaScriptClientsOnLlamaServersTests(LlamaServers target)
{
    public static TheoryData<string> Programs => JavaScriptPrograms.All;

    [Theory, MemberData(nameof(Programs))]
    public Task Real_clients_work_against_two_llama_servers(string program) => JavaScriptPrograms.Run(program, target);
}

[Collection(ToolPoolCollection.Name)]
public class JavaScriptClientsOnTheToolPoolTests(ToolPool target)
{
    public static TheoryData<string> Programs => JavaScriptPrograms.All;

    [Theory, MemberData(nameof(Programs))]
    public Task Real_clients_run_their_tool_loops_through_the_gateway(string program) =>
        JavaScriptPrograms.Run(program, target);
}

[Collection(BareEngineCollection.Name)]
public class JavaScriptClientsOnTheBareEngineTests(BareEngine target)
{
    public static TheoryData<string> Programs => JavaScriptPrograms.All;

    [Theory, MemberData(nameof(Programs))]
    public Task Every_check_of_the_real_clients_can_be_passed(string program) =>
        JavaScriptPrograms.Run(program, target);
}
