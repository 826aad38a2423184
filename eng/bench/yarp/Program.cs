using Microsoft.AspNetCore.Builder;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

// Bare YARP, the .NET floor: one catch-all direct forwarder to one upstream. It replaces the Authorization header, as
// any gateway must, and does nothing else. Everything is at its default except logging (off, or it would dominate the
// figures) and the activity timeout (ten minutes, so that idle streams live).
if (args is not [var listenUrl, var upstreamUrl])
{
    await Console.Error.WriteLineAsync("usage: Penstock.Bench.Yarp LISTEN_URL UPSTREAM_URL").ConfigureAwait(false);
    return 2;
}

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.Services.AddHttpForwarder();
var app = builder.Build();
app.MapForwarder(
    "/{**all}",
    upstreamUrl,
    new ForwarderRequestConfig { ActivityTimeout = TimeSpan.FromMinutes(10) },
    transforms => transforms.AddRequestHeader("Authorization", "Bearer sk-upstream", append: false));
await app.RunAsync(listenUrl).ConfigureAwait(false);
return 0;
