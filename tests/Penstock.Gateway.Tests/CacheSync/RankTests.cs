using System.Text.Json;
using Penstock.Cli.Engine;
using Penstock.Core.Config;
using Penstock.Gateway.Tests.Requests;
using Penstock.Gateway.Tests.SimulatedEngine;
using Penstock.Tests.Shared;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>Two data-parallel ranks behind one address, and engines that connect to the gateway.</summary>
public sealed class RankTests
{
    /// <summary>The second engine plays the second rank of the first: the gateway knows it by its events alone.
    /// </summary>
    [Fact]
    public async Task A_restarted_rank_takes_its_own_blocks_alone()
    {
        var (events, replay) = (PortPair(), PortPair());
        await using var fleet = await EventedFleet.StartAsync(
            [Rank(0, events, replay), Rank(1, events, replay)],
            pool => pool with
            {
                PrefixKeys = KnownNames.KeysTokens,
                Replicas =
                [
                    pool.Replicas[0] with
                    {
                        KvEvents = new KvEventsConfig
                        {
                            Endpoint = $"tcp://127.0.0.1:{events}",
                            ReplayEndpoint = $"tcp://127.0.0.1:{replay}",
                            Ranks = 2,
                        },
                    },
                ],
            });
        await fleet.WhenAsync(f => EventedFleet.State(f) == "live");
        var (both, second) = (Story("both"), Story("second"));
        await fleet.Engines[0].JsonAsync("/v1/chat/completions", both);
        await fleet.Engines[1].JsonAsync("/v1/chat/completions", both);
        await fleet.Engines[1].JsonAsync("/v1/chat/completions", second);
        await fleet.WhenAsync(f => EventedFleet.Count(f, "resident_tokens") >= 3 * 400);
        Assert.True(await PredictedAsync(fleet, both) > 380);
        Assert.True(await PredictedAsync(fleet, Story("second")) > 380);

        var before = await fleet.Gateway.AdminAsync("/admin/fleet");
        var resets = EventedFleet.Count(before, "resets");
        await fleet.Engines[1].JsonAsync("/faults", """{"restart":true}""");
        var hellos = 0;
        while (EventedFleet.Count(await fleet.Gateway.AdminAsync("/admin/fleet"), "resets") == resets)
        {
            // What is published before the gateway listens again is lost.
            await fleet.Engines[1].JsonAsync("/v1/chat/completions", EventedFleet.Chat($"hello {hellos++}"));
            fleet.Gateway.Clock.Advance(TimeSpan.FromMilliseconds(25));
            RunningGateway.Guard.ThrowIfCancellationRequested();
        }

        await fleet.WhenAsync(f => EventedFleet.Count(f, "resets") == resets + 1 && EventedFleet.State(f) == "live");
        Assert.True(await PredictedAsync(fleet, both) > 380);

        // Two stories less: what the first rank holds of them is still there, beside two blocks of a hello at most.
        var held = EventedFleet.Count(await fleet.Gateway.AdminAsync("/admin/fleet"), "resident_tokens");
        Assert.InRange(held, 2 * 380, EventedFleet.Count(before, "resident_tokens") - (2 * 380) + (32 * hellos));
    }

    [Fact]
    public async Task An_engine_that_connects_to_the_gateway_is_heard_and_known_to_be_restarted()
    {
        var port = LastingPort.Next();
        var options = EventedFleet.Publisher(KvDialect.VllmMaps);
        options = options with { Events = options.Events! with { Endpoint = $"tcp://127.0.0.1:{port}" } };
        await using var fleet = await EventedFleet.StartAsync([options], pool => pool with
        {
            PrefixKeys = KnownNames.KeysTokens,
            Replicas =
            [
                pool.Replicas[0] with
                {
                    KvEvents = new KvEventsConfig
                    {
                        Endpoint = $"tcp://*:{port}", ReplayEndpoint = pool.Replicas[0].KvEvents!.ReplayEndpoint,
                    },
                },
            ],
        });
        await fleet.WhenAsync(f => EventedFleet.State(f) == "live");
        var story = Story("a story");
        await fleet.Engines[0].JsonAsync("/v1/chat/completions", story);
        await fleet.WhenAsync(f => EventedFleet.Count(f, "blocks") >= 25);
        Assert.True(await PredictedAsync(fleet, story) > 380);

        await fleet.Engines[0].JsonAsync("/faults", """{"restart":true}""");
        await fleet.WhenAsync(f => EventedFleet.State(f) == "live");
        for (var i = 0; EventedFleet.Count(await fleet.Gateway.AdminAsync("/admin/fleet"), "resets") == 0; i++)
        {
            await fleet.Engines[0].JsonAsync("/v1/chat/completions", EventedFleet.Chat($"hello {i}"));
        }

        Assert.True(await PredictedAsync(fleet, story) < 32);
    }

    private static string Story(string name) => EventedFleet.Chat(EventedFleet.Words(name, 400));

    private static async Task<long> PredictedAsync(EventedFleet fleet, string body)
    {
        var answer = await fleet.Gateway.AskAsync("/v1/chat/completions", body);
        Assert.Equal(200, answer.Status);
        return (await fleet.Gateway.DecisionsAsync())[^1].GetProperty("predicted_cached_tokens").GetInt64();
    }

    /// <summary>The first of two ports that follow each other.</summary>
    private static int PortPair()
    {
        var first = LastingPort.Next();
        for (var next = LastingPort.Next(); next != first + 1; next = LastingPort.Next())
        {
            first = next;
        }

        return first;
    }

    private static SimulatedEngineOptions Rank(int rank, int events, int replay)
    {
        var options = EventedFleet.Publisher(KvDialect.VllmMaps);
        return options with
        {
            Events = options.Events! with
            {
                Rank = rank, Endpoint = $"tcp://*:{events}", ReplayEndpoint = $"tcp://127.0.0.1:{replay}",
            },
        };
    }
}
