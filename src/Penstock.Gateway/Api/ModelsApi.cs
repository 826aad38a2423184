using System.Buffers;
using Microsoft.AspNetCore.Http;
using Penstock.Core.Config;
using Penstock.Core.Outcomes;
using Penstock.Gateway.Identity;

namespace Penstock.Gateway.Api;

/// <summary>
/// <c>GET /v1/models</c> and <c>GET /v1/models/{id}</c>: one path for both APIs, told apart by the header
/// <c>anthropic-version</c>. A key sees the models that it may use.
/// </summary>
internal static class ModelsApi
{
    public static Task ListAsync(HttpContext http, FleetSnapshot fleet) => throw new NotSupportedException();

    public static Task GetAsync(HttpContext http, FleetSnapshot fleet, string id) => throw new NotSupportedException();
}
