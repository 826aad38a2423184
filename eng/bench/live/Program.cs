using System.Text.Json;
using Penstock.Bench.Processes;
using Penstock.LiveBench;
using Penstock.LiveBench.Fleet;
using Penstock.LiveBench.Play;
using Penstock.LiveBench.Report;

// One program, three roles, each in its own process so that their CPU is told apart: `drive ROOT [options]` compares,
// `engines PLAN` is the fleet of one run, `play PLAN` its clients.
switch (args)
{
    case ["engines", var text]:
        await EngineFleet.RunAsync(JsonSerializer.Deserialize<EnginesPlan>(text)!);
        return 0;

    case ["play", var text]:
        var plan = JsonSerializer.Deserialize<PlayPlan>(text)!;
        var result = await new PlayRun(plan).RunAsync();

        // Written aside and renamed: whoever sees the file sees all of it.
        var draft = plan.ResultFile + ".draft";
        File.WriteAllText(draft, JsonSerializer.Serialize(result, ResultFile.Json));
        File.Move(draft, plan.ResultFile);
        return 0;

    case ["drive", _, "--help" or "-h"]:
        Console.WriteLine(Options.Usage);
        return 0;

    case ["drive", var root, .. var rest]:
        if (Options.Parse(rest, out var error) is not { } options)
        {
            Console.Error.WriteLine($"{error}\n{Options.Usage}");
            return 2;
        }

        try
        {
            return await new Driver(root, options, string.Join(' ', ["eng/bench/live/run", .. rest])).RunAsync();
        }
        catch (BenchFailure failure)
        {
            Console.Error.WriteLine($"failed: {failure.Message}");
            return 1;
        }

    default:
        Console.Error.WriteLine(Options.Usage);
        return 2;
}
