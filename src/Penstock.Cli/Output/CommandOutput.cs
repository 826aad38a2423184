using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace Penstock.Cli.Output;

/// <summary>
/// Where a command writes, so that all of them keep the same promises: with <c>--json</c> exactly one JSON document on
/// standard output and nothing else, failures in plain words on standard error, and no escape codes outside a terminal.
/// </summary>
internal sealed class CommandOutput
{
    private const string JsonName = "--json";
    private const int WidthWithoutTerminal = 400;

    private static readonly JsonWriterOptions JsonForm = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly TextWriter _error;
    private readonly bool _json;
    private readonly TextWriter _output;

    public CommandOutput(ParseResult parsed)
    {
        _output = parsed.InvocationConfiguration.Output;
        _error = parsed.InvocationConfiguration.Error;
        _json = parsed.GetResult(JsonName) is OptionResult json && json.GetValueOrDefault<bool>();
    }

    /// <summary>A <c>--json</c>, for every command that prints a report.</summary>
    public static Option<bool> JsonOption() =>
        new(JsonName) { Description = "Print one JSON document on standard output, and nothing else." };

    /// <summary>Prints the report: <paramref name="json"/> with <c>--json</c>, else <paramref name="text"/>.</summary>
    public void Report(Action<Utf8JsonWriter> json, Action text)
    {
        if (!_json)
        {
            text();
            return;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, JsonForm))
        {
            json(writer);
        }

        _output.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    /// <summary>A line of text.</summary>
    public void Line(string text = "") => _output.WriteLine(text);

    /// <summary>A table: on a terminal as wide as that, elsewhere as wide as it needs to be.</summary>
    public void Table(Table table)
    {
        table.Border(PlainBorder.Instance);
        var rendered = new StringWriter();
        var terminal = ReferenceEquals(_output, Console.Out) && !Console.IsOutputRedirected;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(rendered),
        });
        console.Profile.Width = terminal ? Math.Max(40, Console.WindowWidth) : WidthWithoutTerminal;
        console.Write(table);
        foreach (var line in rendered.ToString().Split('\n').Select(static l => l.TrimEnd()).Where(static l => l != ""))
        {
            _output.WriteLine(line);
        }
    }

    /// <summary>Says why it did not work, and returns the exit code for that.</summary>
    public int Failed(string message) => Refuse(message, ExitCode.Failed);

    /// <summary>Says what is wrong with the command line, and returns the exit code for that.</summary>
    public int BadUsage(string message) => Refuse(message, ExitCode.BadUsage);

    private int Refuse(string message, int code)
    {
        _error.WriteLine($"penstock: {message}");
        if (_json)
        {
            Report(
                json =>
                {
                    json.WriteStartObject();
                    json.WriteString("error", message);
                    json.WriteEndObject();
                },
                static () => { });
        }

        return code;
    }
}
