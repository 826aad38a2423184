using System.Globalization;
using Penstock.Core.Models;

namespace Penstock.Gateway.Tests.Crash;

/// <summary>What befalls one request of the load.</summary>
internal enum Fate
{
    /// <summary>Answered at once.</summary>
    Answered,

    /// <summary>The first replica fails before its answer, so it may be answered by the second one.</summary>
    FailsOnFirst,

    /// <summary>Every replica fails.</summary>
    FailsEverywhere,

    /// <summary>The engine refuses it as the client's mistake.</summary>
    Refused,

    /// <summary>The engine never answers; the client waits as long as it can.</summary>
    HeldBefore,

    /// <summary>The engine stops in the middle of its answer; the client waits as long as it can.</summary>
    HeldWithin,

    /// <summary>As <see cref="HeldWithin"/>, a stream, and the client leaves once it has read the beginning.</summary>
    ClientLeaves,
}

/// <summary>What the engine reports: the prompt with its cached part, and the answer.</summary>
internal sealed record OrderTokens(int Prompt, int Cached, int Output);

/// <summary>
/// One request of the load, whole in its body: the engine reads there what it is to do, so it needs no memory, and
/// every number of the ledger can be told from it.
/// </summary>
internal sealed record Order(int Number, Dialect Dialect, bool Stream, Fate Fate, OrderTokens Tokens)
{
    public const string Model = "crash-model";

    private const string Mark = "order:";

    public string Path => Dialect == Dialect.Anthropic ? "/v1/messages" : "/v1/chat/completions";

    public static Order Draw(int number, Random random, Fate? fate = null)
    {
        var prompt = random.Next(1, 5000);
        var befalls = fate ?? Often(random);
        return new Order(
            number,
            random.Next(2) == 0 ? Dialect.Anthropic : Dialect.OpenAiChat,
            befalls == Fate.ClientLeaves || random.Next(2) == 0,
            befalls,
            new OrderTokens(prompt, random.Next(prompt), random.Next(1, 400)));
    }

    /// <summary>The order in a body; null where there is none, as in a probe.</summary>
    public static Order? In(string body)
    {
        var at = body.IndexOf(Mark, StringComparison.Ordinal);
        if (at < 0)
        {
            return null;
        }

        var end = body.IndexOf(';', at);
        var parts = body[(at + Mark.Length)..end].Split(',');
        return new Order(
            Whole(parts[0]),
            Enum.Parse<Dialect>(parts[1]),
            bool.Parse(parts[2]),
            Enum.Parse<Fate>(parts[3]),
            new OrderTokens(Whole(parts[4]), Whole(parts[5]), Whole(parts[6])));
    }

    public string Body()
    {
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{Mark}{Number},{Dialect},{Stream},{Fate},{Tokens.Prompt},{Tokens.Cached},{Tokens.Output};");
        var stream = Stream ? "true" : "false";
        return $$"""
            {"model":"{{Model}}","max_tokens":512,"stream":{{stream}},"messages":[{"role":"user","content":"{{text}}"}]}
            """;
    }

    // Failures are few enough that the engines stay in use, and the retry budget lets most of them be retried.
    private static Fate Often(Random random) => random.Next(100) switch
    {
        < 6 => Fate.FailsOnFirst,
        < 8 => Fate.FailsEverywhere,
        < 12 => Fate.Refused,
        < 18 => Fate.ClientLeaves,
        _ => Fate.Answered,
    };

    private static int Whole(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
