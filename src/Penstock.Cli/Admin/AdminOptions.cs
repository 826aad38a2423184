using System.CommandLine;

namespace Penstock.Cli.Admin;

/// <summary>The options of every command that asks a running gateway.</summary>
internal sealed class AdminOptions
{
    private readonly Option<Uri> _url = new("--admin-url")
    {
        Description = "The gateway's admin address.",
        DefaultValueFactory = static _ => new Uri("http://127.0.0.1:8081"),
        CustomParser = static result =>
        {
            var text = result.Tokens[0].Value;
            if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
            {
                return url;
            }

            result.AddError($"--admin-url is '{text}'; write an address such as http://127.0.0.1:8081.");
            return null!;
        },
    };

    private readonly Option<string?> _key = new("--key")
    {
        Description = "An API key with admin rights; else $PENSTOCK_KEY, else the file 'key' in --data.",
    };

    private readonly Option<string> _data = new("--data")
    {
        Description = "The gateway's data directory, for its generated key.",
        DefaultValueFactory = static _ => "./.penstock",
    };

    public void AddTo(Command command)
    {
        command.Add(_url);
        command.Add(_key);
        command.Add(_data);
    }

    /// <summary>A client for what the command line says; dispose it.</summary>
    public AdminClient Client(ParseResult parsed) =>
        new(parsed.GetValue(_url)!, FindKey(parsed.GetValue(_key), parsed.GetValue(_data)!));

    private static string? FindKey(string? given, string data)
    {
        if ((given ?? Environment.GetEnvironmentVariable("PENSTOCK_KEY")) is { Length: > 0 } key)
        {
            return key;
        }

        try
        {
            return File.ReadAllText(Path.Combine(data, "key")).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without a key the gateway says what it wants, which is the better message.
            return null;
        }
    }
}
