using Penstock.Core.Outcomes;

namespace Penstock.Gateway.Requests;

/// <summary>One attempt that gave the client no whole answer.</summary>
/// <param name="Failure">Why.</param>
/// <param name="Elsewhere">Another replica may do better.</param>
/// <param name="Relayed">The client has been answered all the same: with the engine's own error, or inside its
/// stream.</param>
internal sealed record AttemptFailure(Failure Failure, bool Elsewhere = false, bool Relayed = false);
