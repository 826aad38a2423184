using System.CommandLine;
using System.Text.Json;
using Penstock.Cli.Admin;
using Penstock.Cli.Output;

namespace Penstock.Cli.Explain;

/// <summary><c>penstock explain</c>: why one request went where it went, with the arithmetic.</summary>
internal sealed class ExplainCommand
{
    private readonly AdminOptions _admin = new();

    private readonly Argument<string> _id = new("id")
    {
        Description = "The id of a decision (response header penstock-decision-id) or of a request (req_…).",
    };

    public static Command Create() => new ExplainCommand().Build();

    private DocumentedCommand Build()
    {
        var command = new DocumentedCommand(
            "explain",
            "Show why a request was routed as it was: the candidates, their costs, the runner-up.",
            "penstock explain dec_6b0006a400000002",
            "penstock explain req_01kb3x8m2k7r9d4p6t0w5y1ze8 --json",
            "penstock explain dec_6b0006a400000002 --admin-url http://10.0.0.7:8081 --key \"$PENSTOCK_KEY\"")
        {
            _id,
            CommandOutput.JsonOption(),
        };
        _admin.AddTo(command);
        command.SetAction((parsed, stop) => RunAsync(parsed, new CommandOutput(parsed), stop));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CommandOutput output, CancellationToken stop)
    {
        var id = parsed.GetValue(_id)!;
        using var admin = _admin.Client(parsed);
        var answer = await admin.GetAsync(
            $"admin/decisions/{Uri.EscapeDataString(id)}",
            $"there is no decision {id}; a gateway keeps only the most recent ones",
            stop);
        if (answer.Problem is { } problem)
        {
            return output.Failed(problem);
        }

        output.Report(json => answer.Body.WriteTo(json), () => DecisionReport.Write(output, answer.Body));
        return ExitCode.Ok;
    }
}
