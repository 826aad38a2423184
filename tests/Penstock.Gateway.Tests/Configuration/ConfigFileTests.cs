using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Gateway.Configuration;

namespace Penstock.Gateway.Tests.Configuration;

public sealed class ConfigFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("penstock-config-");
    private readonly string _path;

    public ConfigFileTests()
    {
        _path = Path.Combine(_folder.FullName, "penstock.yaml");
        File.WriteAllText(_path, Documents.Minimal);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_bad_edit_keeps_the_last_good_configuration_in_force()
    {
        using var file = Open();
        var good = file.Source.Current;
        File.WriteAllText(_path, Documents.Minimal + "\nserver: {prot: 1}\nlimits: 5\n");
        file.Look();
        Assert.Same(good, file.Source.Current);
        Assert.Equal(["server.prot", "limits"], file.Source.Status.LastErrors.Select(e => e.Path));

        File.WriteAllText(_path, Documents.Minimal + "\nstrict_models: true\n");
        file.Look();
        Assert.Equal(2, file.Source.Current.Version);
        Assert.Empty(file.Source.Status.LastErrors);
    }

    [Fact]
    public void A_file_that_is_gone_or_half_written_changes_nothing()
    {
        using var file = Open();
        File.Delete(_path);
        file.Look();
        Assert.Contains("cannot read", Assert.Single(file.Source.Status.LastErrors).Message);
        File.WriteAllText(_path, "");
        file.Look();
        Assert.Contains("empty", Assert.Single(file.Source.Status.LastErrors).Message);
        File.WriteAllBytes(_path, [0xff, 0xfe, 0xfd]);
        file.Look();
        Assert.Contains("not UTF-8", Assert.Single(file.Source.Status.LastErrors).Message);
        Assert.Equal(1, file.Source.Current.Version);
    }

    [Fact]
    public void A_file_written_again_with_the_same_text_is_no_change()
    {
        using var file = Open();
        File.WriteAllText(_path, Documents.Minimal);
        File.SetLastWriteTimeUtc(_path, new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        file.Look();
        Assert.Equal(1, file.Source.Current.Version);
    }

    [Fact]
    public void A_replaced_secret_file_is_read_again()
    {
        var secret = Path.Combine(_folder.FullName, "key");
        File.WriteAllText(secret, "old");
        File.WriteAllText(_path, Documents.Minimal + "\n    credential: {file: key}");
        using var file = Open();
        Assert.Equal("old", file.Source.Current.Pools[0].UpstreamKey);
        File.WriteAllText(secret, "new");
        File.SetLastWriteTimeUtc(secret, new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        file.Look();
        Assert.Equal("new", file.Source.Current.Pools[0].UpstreamKey);
    }

    [Fact]
    public void What_the_command_line_says_is_laid_over_every_reading()
    {
        static PenstockConfig WithPort(PenstockConfig d) => d with { Server = d.Server with { Port = 9_999 } };
        var (file, errors) = ConfigFile.Open(_path, WithPort, TimeProvider.System, NullLoggerFactory.Instance);
        Assert.Empty(errors);
        using (file)
        {
            File.WriteAllText(_path, Documents.Minimal + "\nserver: {port: 1}\n");
            file!.Look();
            Assert.Equal((2, 9_999), (file.Source.Current.Version, file.Source.Document.Server.Port));
            Assert.Empty(file.Source.Status.RestartNeeded);
        }
    }

    [Fact]
    public void A_file_that_is_wrong_from_the_start_is_not_opened()
    {
        File.WriteAllText(_path, "models: 5");
        var (file, errors) = ConfigFile.Open(_path, null, TimeProvider.System, NullLoggerFactory.Instance);
        Assert.Null(file);
        Assert.Contains(errors, e => e.Path == "models");
        (file, errors) = ConfigFile.Open(_path + ".not", null, TimeProvider.System, NullLoggerFactory.Instance);
        Assert.Null(file);
        Assert.Contains("cannot read", Assert.Single(errors).Message);
    }

    [Fact]
    public async Task A_changed_file_comes_into_force_by_itself()
    {
        // Replaced by a move, as careful editors do: the only notice is that of the new name.
        File.WriteAllText(_path + ".new", Documents.Minimal + "\nstrict_models: true\n");
        using var file = Open(new TimerByHand());
        var applied = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        file.Source.Changed += s => applied.TrySetResult(s.Version);
        using var stop = new CancellationTokenSource();
        var following = file.RunAsync(stop.Token);
        File.Move(_path + ".new", _path, overwrite: true);
        Assert.Equal(2, await applied.Task.WaitAsync(TestContext.Current.CancellationToken));
        await stop.CancelAsync();
        await following;
    }

    [Fact]
    public async Task A_look_finds_what_no_notice_told_of()
    {
        // The folder behind a link changes without a notice for the folder that the link lies in.
        var real = _folder.CreateSubdirectory("real");
        var target = Path.Combine(real.FullName, "penstock.yaml");
        File.WriteAllText(target, Documents.Minimal);
        File.Delete(_path);
        File.CreateSymbolicLink(_path, target);

        var timer = new TimerByHand();
        using var file = Open(timer);
        var applied = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        file.Source.Changed += s => applied.TrySetResult(s.Version);
        using var stop = new CancellationTokenSource();
        var following = file.RunAsync(stop.Token);
        File.WriteAllText(target, Documents.Minimal + "\nstrict_models: true\n");
        Assert.False(applied.Task.IsCompleted);
        timer.Fire();
        Assert.Equal(2, await applied.Task.WaitAsync(TestContext.Current.CancellationToken));
        await stop.CancelAsync();
        await following;
    }

    private ConfigFile Open(TimeProvider? time = null)
    {
        var (file, errors) = ConfigFile.Open(_path, null, time ?? TimeProvider.System, NullLoggerFactory.Instance);
        Assert.Empty(errors);
        return file!;
    }

    /// <summary>A clock whose one timer fires when the test says so, and never by itself.</summary>
    private sealed class TimerByHand : TimeProvider
    {
        private Action? _fire;

        public void Fire() => _fire!();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _fire = () => callback(state);
            return new Timer();
        }

        private sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
