using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Penstock.Cli.Checking;
using Penstock.Cli.Engine;
using Penstock.Cli.Explain;
using Penstock.Cli.Output;
using Penstock.Cli.Replay;
using Penstock.Cli.Serve;
using Penstock.Cli.Usage;
using Penstock.Core.Config;

namespace Penstock.Cli;

/// <summary>The command line: every command, and what all of them have in common.</summary>
public static class PenstockCommand
{
    /// <summary>Runs one command line and returns its exit code, one of <see cref="ExitCode"/>.</summary>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> args, TextWriter output, TextWriter error, CancellationToken stop = default)
    {
        var result = Create().Parse(args);
        if (result.Action is ParseErrorAction)
        {
            return BadUsage(result, error);
        }

        // Signals are the command's own business: serve drains on them, and the library would cut that short.
        var invocation = new InvocationConfiguration
        {
            Output = output,
            Error = error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        try
        {
            return await result.InvokeAsync(invocation, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Failed;
        }
#pragma warning disable CA1031 // The last place that can say what happened: whatever it was, the exit code is 1.
        catch (Exception e)
#pragma warning restore CA1031
        {
            await error.WriteLineAsync($"penstock: this is a bug, please report it: {e}");
            return ExitCode.Failed;
        }
    }

    private static RootCommand Create()
    {
        var root = new RootCommand("Penstock: a gateway and router for LLM inference.")
        {
            ServeCommand.Create(),
            EngineCommand.Create(),
            CheckCommand.Create(),
            ExplainCommand.Create(),
            UsageCommand.Create(),
            ReplayCommand.Create(),
        };
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            help.Action = new HelpWithExamples((HelpAction)help.Action!);
        }

        return root;
    }

    private static int BadUsage(ParseResult result, TextWriter error)
    {
        var command = result.CommandResult.Command;
        if (command is RootCommand && result.UnmatchedTokens is [var unknown, ..])
        {
            var hint = CloseNames.Hint(unknown, [.. command.Subcommands.Select(static c => c.Name)]);
            error.WriteLine($"penstock: there is no command '{unknown}'{hint}");
        }
        else
        {
            foreach (var problem in result.Errors)
            {
                error.WriteLine($"penstock: {problem.Message}");
            }
        }

        var name = command is RootCommand ? "penstock" : $"penstock {command.Name}";
        error.WriteLine($"Try '{name} --help'.");
        return ExitCode.BadUsage;
    }
}
