namespace Penstock.Gateway.Tests.Clients;

/// <summary>Claude Code as people run it; its prompts are larger than what the small real models take.</summary>
[Collection(DemoPoolCollection.Name)]
public class ClaudeCodeOnTheDemoPoolTests(DemoPool target)
{
    [Theory]
    [InlineData(ClaudeCodeMode.ApiKey)]
    [InlineData(ClaudeCodeMode.Bearer)]
    [InlineData(ClaudeCodeMode.NoExperimentalBetas)]
    public async Task Claude_Code_gets_an_answer_that_says_it_is_simulated(ClaudeCodeMode mode) =>
        Assert.Contains(
            "simulated", await ClaudeCode.Ask(target, mode, "say hi"), StringComparison.OrdinalIgnoreCase);
}

[Collection(ToolPoolCollection.Name)]
public class ClaudeCodeOnTheToolPoolTests(ToolPool target)
{
    [Theory]
    [InlineData(ClaudeCodeMode.ApiKey)]
    [InlineData(ClaudeCodeMode.Bearer)]
    [InlineData(ClaudeCodeMode.NoExperimentalBetas)]
    public Task Claude_Code_runs_the_tool_that_the_model_calls_and_hands_back_its_output(ClaudeCodeMode mode) =>
        ClaudeCodeToolLoop.AssertItEnds(target, mode);
}

[Collection(BareEngineCollection.Name)]
public class ClaudeCodeOnTheBareEngineTests(BareEngine target)
{
    [Theory]
    [InlineData(ClaudeCodeMode.ApiKey)]
    [InlineData(ClaudeCodeMode.Bearer)]
    [InlineData(ClaudeCodeMode.NoExperimentalBetas)]
    public Task The_tool_loop_of_Claude_Code_can_be_passed(ClaudeCodeMode mode) =>
        ClaudeCodeToolLoop.AssertItEnds(target, mode);
}

internal static class ClaudeCodeToolLoop
{
    // The engine has it run a command that prints a word, and repeats what the tool result says: the word is in the
    // final text only when the call arrived whole, was run, and its output came back.
    public static async Task AssertItEnds(ClientTarget target, ClaudeCodeMode mode)
    {
        target.Require();
        var answer = await ClaudeCode.Ask(
            target, mode, "run the command", "--model", target.Model, "--allowedTools", "Bash");
        Assert.Equal($"The tool says: {Turn.CommandOutput}", answer);
    }
}
