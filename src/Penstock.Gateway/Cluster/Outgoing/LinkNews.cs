using Microsoft.Extensions.Logging;

namespace Penstock.Gateway.Cluster.Outgoing;

/// <summary>
/// How a link fares, and what the log says of it: each change once. A stream that comes up and soon ends is a failure
/// like any other, and where that goes on nothing more is said until one stays up. Thread-safe.
/// </summary>
internal sealed class LinkNews(Uri address, ILogger log)
{
    private readonly Lock _lock = new();

    /// <summary>What was said last: nothing yet; empty: that it is up; else what was wrong.</summary>
    private string? _said;

    private bool _isRestless;
    private bool _hasSettled;
    private int _failures;

    /// <summary>Tries in a row without a stream that stayed.</summary>
    public int Failures
    {
        get
        {
            lock (_lock)
            {
                return _failures;
            }
        }
    }

    public void Up(string node)
    {
        lock (_lock)
        {
            if (!_isRestless)
            {
                SayUp(node);
            }
        }
    }

    /// <summary>The stream stayed up for long enough.</summary>
    public void Settled(string node)
    {
        lock (_lock)
        {
            _hasSettled = true;
            _isRestless = false;
            SayUp(node);
        }
    }

    /// <summary>A try is over.</summary>
    /// <param name="wasUp">There was a stream.</param>
    public void Ended(bool wasUp)
    {
        lock (_lock)
        {
            _failures = _hasSettled ? 0 : _failures + 1;
            _isRestless |= wasUp && !_hasSettled;
            _hasSettled = false;
        }
    }

    public void Down(string problem)
    {
        lock (_lock)
        {
            if (_said != problem && !(_isRestless && _said is { Length: > 0 }))
            {
                _said = problem;
                ClusterLog.Down(log, address, problem);
            }
        }
    }

    private void SayUp(string node)
    {
        if (_said is not "")
        {
            _said = "";
            ClusterLog.Up(log, node, address);
        }
    }
}
