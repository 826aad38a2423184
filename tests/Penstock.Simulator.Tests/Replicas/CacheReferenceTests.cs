using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Replicas;

/// <summary>
/// Each kind of memory beside the plainest thing that can be said of it, one request after another: what is found and
/// what is there afterwards.
/// </summary>
public sealed class CacheReferenceTests
{
    private interface IReference
    {
        /// <summary>Serves a prompt with its answer; returns the tokens found.</summary>
        int Serve(uint[] tokens, int output);

        /// <summary>Every cached prefix, in pages.</summary>
        IEnumerable<uint[]> Resident();
    }

    [Theory]
    [InlineData(CacheKind.Paged)]
    [InlineData(CacheKind.Radix)]
    [InlineData(CacheKind.Slots)]
    public void It_finds_and_keeps_what_the_reference_does(CacheKind cache) =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var rng = new Rng((ulong)seed);
            var page = 1 + rng.NextInt32(3);
            var profile = EngineRig.Profile(
                kvBlocks: 24 + rng.NextInt32(24), blockSize: page, budget: 512, sequences: 3, cache: cache);
            if (cache == CacheKind.Slots)
            {
                profile = profile with { HostCacheTokens = rng.NextInt32(2) * 40 * page };
            }

            IReference reference = cache switch
            {
                CacheKind.Paged => new PagedReference(profile.KvBlocks, page),
                CacheKind.Radix => new RadixReference(profile.KvBlocks, page),
                _ => new SlotReference(profile),
            };
            var rig = new EngineRig(profile);
            for (var id = 1; id <= 60; id++)
            {
                var tokens = RandomTokens(ref rng, profile.ModelLengthMax);
                var output = 1 + rng.NextInt32(tokens.Length - 1);
                Assert.Equal(reference.Serve(tokens, output), rig.Serve(id, tokens, output));
                Assert.Equal(
                    reference.Resident().Select(path => PromptChain.Of(path, page)[^1]).Distinct().Order(),
                    rig.Resident.Order());
            }
        }).QuickCheckThrowOnFailure();

    /// <summary>Choices are few and far between, so that prompts often share a start and part in the middle.</summary>
    private static uint[] RandomTokens(ref Rng rng, int max)
    {
        var tokens = new uint[2 + rng.NextInt32(max - 1)];
        for (var at = 0; at < tokens.Length; at++)
        {
            tokens[at] = at % 5 == 0 ? (uint)rng.NextInt32(2) : 7;
        }

        return tokens;
    }

    private static int Common(uint[] a, uint[] b) => a.AsSpan().CommonPrefixLength(b);

    /// <summary>A list of blocks, the next one to be lost first; of equal ones the oldest is found.</summary>
    private sealed class PagedReference(int blocks, int page) : IReference
    {
        private readonly List<(uint[]? Path, int Made)> _free = [.. Enumerable.Repeat(((uint[]?)null, 0), blocks)];
        private int _made;

        public int Serve(uint[] tokens, int output)
        {
            List<(uint[]? Path, int Made)> held = [];
            var prompt = tokens.Length - output;
            while ((held.Count + 1) * page < prompt && Oldest(tokens[..((held.Count + 1) * page)]) is { } found)
            {
                held.Add(found);
                _free.Remove(found);
            }

            var cached = held.Count * page;
            for (var computed = tokens.Length - 1; held.Count * page < computed;)
            {
                var end = (held.Count + 1) * page;
                _free.RemoveAt(0);
                held.Add((end <= computed ? tokens[..end] : null, ++_made));
            }

            held.Reverse();
            _free.AddRange(held);
            return cached;
        }

        public IEnumerable<uint[]> Resident() => _free.Select(block => block.Path).OfType<uint[]>();

        private (uint[]? Path, int Made)? Oldest(uint[] path)
        {
            var equal = _free.Where(block => block.Path is not null && block.Path.SequenceEqual(path)).ToList();
            return equal.Count == 0 ? null : equal.MinBy(block => block.Made);
        }
    }

    /// <summary>Runs of pages, each with all that comes before it.</summary>
    private sealed class RadixReference(int pages, int page) : IReference
    {
        private List<Run> _runs = [];
        private int _time;

        public int Serve(uint[] tokens, int output)
        {
            var prompt = tokens.Length - output;
            var found = Visit(tokens[..((prompt - 1) / page * page)]);
            var shared = found;
            foreach (var end in new[] { prompt, tokens.Length - 1 })
            {
                if (end <= shared && end == prompt)
                {
                    continue;
                }

                MakeRoom(tokens[..shared], Math.Max(0, ((end + page - 1) / page) - (shared / page)));
                var whole = tokens[..(end / page * page)];
                if (whole.Length > shared)
                {
                    Insert(whole);
                    shared = whole.Length;
                }
            }

            return found;
        }

        public IEnumerable<uint[]> Resident() => _runs.SelectMany(run => Enumerable
            .Range(1, (run.Path.Length - run.Start) / page).Select(at => run.Path[..(run.Start + (at * page))]));

        private void Insert(uint[] path)
        {
            var known = Visit(path);
            if (known < path.Length)
            {
                _runs.Add(new Run(path, known, _time));
            }
        }

        private int Visit(uint[] path)
        {
            _time++;
            var known = _runs.Select(run => Common(run.Path, path) / page * page).Append(0).Max();
            List<Run> runs = [];
            foreach (var run in _runs)
            {
                var common = Common(run.Path, path) / page * page;
                if (common <= run.Start)
                {
                    runs.Add(run);
                }
                else if (common < run.Path.Length)
                {
                    runs.Add(new Run(run.Path[..common], run.Start, _time));
                    runs.Add(new Run(run.Path, common, _time));
                }
                else
                {
                    runs.Add(run with { Time = _time });
                }
            }

            _runs = runs;
            return known;
        }

        private void MakeRoom(uint[] locked, int wanted)
        {
            while (pages - _runs.Sum(run => (run.Path.Length - run.Start) / page) < wanted)
            {
                _runs.Remove(_runs
                    .Where(run => !_runs.Exists(other => other.Start == run.Path.Length
                        && Common(other.Path, run.Path) == run.Path.Length))
                    .Where(run => Common(run.Path, locked) < run.Path.Length)
                    .MinBy(run => run.Time)!);
            }
        }

        private sealed record Run(uint[] Path, int Start, int Time);
    }

    /// <summary>A text for each slot, and a shelf.</summary>
    private sealed class SlotReference(EngineProfile profile) : IReference
    {
        private readonly List<(uint[] Text, int Time)> _slots =
            [.. Enumerable.Repeat((Array.Empty<uint>(), -1), profile.SequencesMax)];

        private readonly List<uint[]> _shelf = [];
        private int _time;

        private int Page => profile.BlockSize;

        public int Serve(uint[] tokens, int output)
        {
            var prompt = tokens[..(tokens.Length - output)];
            var best = _slots.MaxBy(slot => Shared(slot.Text, prompt));
            var at = _slots.FindIndex(slot => slot.Text == best.Text);
            var replaced = Shared(best.Text, prompt) * 10 <= prompt.Length;
            if (replaced)
            {
                at = _slots.FindLastIndex(slot => slot.Time == _slots.Min(other => other.Time));
            }

            var text = _slots[at].Text;
            if (profile.HostCacheTokens > 0 && (replaced || Shared(text, prompt) * 2 < text.Length))
            {
                text = Exchange(text, prompt);
            }

            var found = Math.Min(Shared(text, prompt), (prompt.Length - 1) / Page * Page);
            _slots[at] = (tokens[..((tokens.Length - 1) / Page * Page)], ++_time);
            return found;
        }

        public IEnumerable<uint[]> Resident() => _slots.SelectMany(slot => Enumerable
            .Range(1, slot.Text.Length / Page).Select(at => slot.Text[..(at * Page)]));

        private uint[] Exchange(uint[] text, uint[] prompt)
        {
            if (text.Length > 0 && !_shelf.Exists(other => Common(other, text) == text.Length))
            {
                _shelf.RemoveAll(other => Common(other, text) == other.Length);
                _shelf.Add(text);
            }

            var best = text;
            foreach (var other in _shelf)
            {
                if (Shared(other, prompt) * 4 >= other.Length
                    && Shared(other, prompt) > Shared(best, prompt)
                    && (best.Length == 0
                        || Shared(other, prompt) / (double)other.Length > Shared(best, prompt) / (double)best.Length))
                {
                    best = other;
                }
            }

            if (best != text)
            {
                _shelf.Remove(best);
            }

            while (_shelf.Count > 1 && _shelf.Sum(other => other.Length) > profile.HostCacheTokens)
            {
                _shelf.RemoveAt(0);
            }

            return best;
        }

        private int Shared(uint[] text, uint[] prompt) => Common(text, prompt) / Page * Page;
    }
}
