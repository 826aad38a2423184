using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Penstock.Gateway.Tests.CommandLine;

public class ConventionTests
{
    public static TheoryData<string> Commands => ["serve", "engine", "check", "explain", "usage", "replay"];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Every_command_explains_itself_with_examples(string command)
    {
        var run = await CommandRun.Of(command, "--help");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains($"penstock {command}", run.Output);
        Assert.Contains("Examples:", run.Output);
    }

    [Fact]
    public async Task The_help_of_the_program_lists_every_command()
    {
        var run = await CommandRun.Of("--help");
        Assert.Equal(0, run.Code);
        Assert.All(Commands, command => Assert.Contains($"  {command.Data} ", run.Output));
    }

    [Theory]
    [InlineData("penstock: Required command was not provided.")]
    [InlineData("there is no command 'chek'; did you mean 'check'?", "chek")]
    [InlineData("Unrecognized command or argument '--no'", "usage", "--no")]
    [InlineData("Required argument 'id' missing", "explain")]
    [InlineData("Name the file to check", "check")]
    [InlineData("there is no file", "check", "/nowhere/penstock.yaml")]
    [InlineData("not 'hour'", "usage", "--by", "key,hour")]
    [InlineData("write a day such as 2026-01-31", "usage", "--from", "yesterday")]
    [InlineData("write a day such as 2026-01-31", "usage", "--to", "2026-02-30")]
    [InlineData("--from 2026-02-01 is after --to 2026-01-31", "usage", "--from", "2026-02-01", "--to", "2026-01-31")]
    [InlineData("--port takes a port from 0 to 65535, not 'abc'", "serve", "--port", "abc")]
    [InlineData("--admin-port takes a port from 0 to 65535, not '70000'", "serve", "--admin-port", "70000")]
    [InlineData("Required argument missing for option: '--config'", "serve", "--config")]
    [InlineData("--data is empty", "serve", "--data", "")]
    [InlineData("--engine takes an http or https address, not 'foo'", "serve", "--engine", "foo")]
    [InlineData("penstock: --error-rate must be from 0 to 1", "engine", "--error-rate", "2")]
    [InlineData("penstock: --stall must be from 0", "engine", "--stall", "-1")]
    [InlineData("penstock: --model must not be empty", "engine", "--model", "")]
    [InlineData("penstock: the cache cannot be so: kv_blocks", "engine", "--kv-tokens", "10")]
    [InlineData("penstock: --stream-interval must be at least 1", "engine", "--stream-interval", "0")]
    [InlineData("write an address such as", "usage", "--admin-url", "localhost:8081")]
    public async Task A_wrong_command_line_is_explained_and_ends_with_2(string message, params string[] args)
    {
        var run = await CommandRun.Of(args);
        Assert.Equal((2, ""), (run.Code, run.Output));
        Assert.Contains(message, run.Error);
    }

    [Theory]
    [InlineData("explain", "dec_1")]
    [InlineData("usage")]
    public async Task An_absent_gateway_is_named_in_plain_words_and_ends_with_1(params string[] args)
    {
        var url = UnusedAddress();
        var run = await CommandRun.Of([.. args, "--admin-url", url]);
        Assert.Equal((1, ""), (run.Code, run.Output));
        Assert.StartsWith($"penstock: nothing is listening at {url}", run.Error);
        Assert.Single(run.Error.Trim().Split('\n'));
    }

    [Theory]
    [InlineData("explain", "dec_1")]
    [InlineData("usage")]
    public async Task A_failure_with_json_is_one_document_on_standard_output(params string[] args)
    {
        var run = await CommandRun.Of([.. args, "--json", "--admin-url", UnusedAddress()]);
        Assert.Equal(1, run.Code);
        Assert.StartsWith("nothing is listening", JsonElement.Parse(run.Output).GetProperty("error").GetString());
    }

    [Theory]
    [InlineData(401, "{}", "does not know the key")]
    [InlineData(403, "{}", "has no admin rights")]
    [InlineData(404, """{"error":{"message":"no"}}""", "there is no decision dec/1")]
    [InlineData(404, """{"error":{"type":"not_found","message":"no"}}""", "is not Penstock's admin port")]
    [InlineData(404, "<html>", "is not Penstock's admin port")]
    [InlineData(500, """{"error":{"type":"x","message":"the disk is full"}}""", "answered 500: the disk is full")]
    [InlineData(502, "<html>", "answered 502")]
    [InlineData(200, "<html>", "does not speak JSON")]
    public async Task Whatever_the_gateway_answers_is_said_in_a_sentence(int status, string body, string message)
    {
        await using var admin = await AdminStandIn.StartAsync(status, body);
        var run = await CommandRun.Of("explain", "dec/1", "--admin-url", admin.Url);
        Assert.Equal((1, ""), (run.Code, run.Output));
        Assert.Contains(message, run.Error);
        Assert.Equal("/admin/decisions/dec%2F1", admin.Asked);
    }

    [Fact]
    public async Task The_key_comes_from_the_option_else_from_the_data_directory()
    {
        var data = Directory.CreateTempSubdirectory("penstock-data-");
        try
        {
            await File.WriteAllTextAsync(
                Path.Combine(data.FullName, "key"), "from-file\n", TestContext.Current.CancellationToken);
            await using var admin = await AdminStandIn.StartAsync(200, "{}");
            string[] args = ["usage", "--admin-url", admin.Url, "--data", data.FullName];
            await CommandRun.Of(args);
            Assert.Equal(Environment.GetEnvironmentVariable("PENSTOCK_KEY") ?? "from-file", admin.Key);
            await CommandRun.Of([.. args, "--key", "from-option"]);
            Assert.Equal("from-option", admin.Key);
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    private static string UnusedAddress()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return $"http://{socket.LocalEndPoint}";
    }
}
