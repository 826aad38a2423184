using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Penstock.Cli.Admin;
using Penstock.Cli.Output;
using Spectre.Console;

namespace Penstock.Cli.Usage;

/// <summary><c>penstock usage</c>: what was used and what it cost, by key, model and day.</summary>
internal sealed class UsageCommand
{
    private static readonly (string Field, string Heading)[] Sums =
    [
        ("requests", "Requests"),
        ("input_tokens", "Input"),
        ("cache_write_5m_tokens", "Cache write 5m"),
        ("cache_write_1h_tokens", "Cache write 1h"),
        ("cache_read_tokens", "Cache read"),
        ("output_tokens", "Output"),
        ("estimated_requests", "Estimated"),
        ("price_usd", "USD"),
    ];

    private static readonly string[] Groups = ["key", "model", "day"];

    private readonly AdminOptions _admin = new();

    private readonly Option<string> _by = new("--by")
    {
        Description = "What to add up by: key, model and day, separated by commas.",
        DefaultValueFactory = static _ => "key,model",
    };

    private readonly Option<string?> _from = new("--from") { Description = "First day, such as 2026-01-31 (UTC)." };

    private readonly Option<string?> _to = new("--to") { Description = "Last day, included (UTC)." };

    public static Command Create() => new UsageCommand().Build();

    private DocumentedCommand Build()
    {
        _by.Validators.Add(static result =>
        {
            foreach (var group in SplitGroups(result.GetValueOrDefault<string>()))
            {
                if (!Groups.Contains(group))
                {
                    result.AddError($"--by takes key, model and day, separated by commas, not '{group}'.");
                }
            }
        });
        var command = new DocumentedCommand(
            "usage",
            "Show tokens, requests and cost from the ledger of a running gateway.",
            "penstock usage",
            "penstock usage --by day,model --from 2026-01-01 --to 2026-01-31",
            "penstock usage --by key --json")
        {
            _by,
            CommandOutput.JsonOption(),
        };
        foreach (var day in (Option<string?>[])[_from, _to])
        {
            day.Validators.Add(result =>
            {
                if (result.GetValueOrDefault<string?>() is { } text && !IsDay(text))
                {
                    result.AddError($"{day.Name} is '{text}'; write a day such as 2026-01-31.");
                }
            });
            command.Add(day);
        }

        command.Validators.Add(result =>
        {
            // Written as they are, days sort as text.
            if (result.GetResult(_from) is { Tokens: [{ Value: var from }] }
                && result.GetResult(_to) is { Tokens: [{ Value: var to }] }
                && IsDay(from) && IsDay(to) && string.CompareOrdinal(from, to) > 0)
            {
                result.AddError($"--from {from} is after --to {to}.");
            }
        });
        _admin.AddTo(command);
        command.SetAction((parsed, stop) => RunAsync(parsed, new CommandOutput(parsed), stop));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CommandOutput output, CancellationToken stop)
    {
        var groups = SplitGroups(parsed.GetValue(_by));
        var query = $"by={string.Join(',', groups)}";
        query += parsed.GetValue(_from) is { } from ? $"&from={from}" : "";
        query += parsed.GetValue(_to) is { } to ? $"&to={to}" : "";

        using var admin = _admin.Client(parsed);
        var answer = await admin.GetAsync($"admin/usage?{query}", null, stop);
        if (answer.Problem is { } problem)
        {
            return output.Failed(problem);
        }

        output.Report(json => answer.Body.WriteTo(json), () => WriteText(output, groups, answer.Body));
        return ExitCode.Ok;
    }

    private static void WriteText(CommandOutput output, string[] groups, JsonElement answer)
    {
        var rows = answer.Items("rows");
        if (rows.Count == 0)
        {
            output.Line("Nothing was used in that time.");
            return;
        }

        var table = new Table()
            .TextColumns([.. groups.Select(Capital)])
            .NumberColumns([.. Sums.Select(static s => s.Heading)]);
        foreach (var row in rows)
        {
            table.Cells([.. groups.Select(g => row.Text(g)), .. Sums.Select(s => row.Text(s.Field))]);
        }

        if (answer.Field("totals") is { } totals)
        {
            var label = groups.Select(static (_, i) => i == 0 ? "Total" : "");
            table.AddEmptyRow();
            table.Cells([.. label, .. Sums.Select(s => totals.Text(s.Field))]);
        }

        output.Table(table);
        if (answer.Field("totals")?.Text("unpriced_requests") is { } unpriced and not "0")
        {
            output.Line($"Without a price: {unpriced} attempt(s). They count as 0 USD; add their models to prices.");
        }
    }

    private static string[] SplitGroups(string? text) =>
        [.. (text ?? "").Split(',', StringSplitOptions.TrimEntries).Distinct()];

    private static bool IsDay(string text) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];
}
