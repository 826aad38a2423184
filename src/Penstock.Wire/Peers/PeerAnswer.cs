namespace Penstock.Wire.Peers;

/// <summary>What became of a prompt that was told before: its engine answered it. With it a peer knows what the
/// replica's cache holds of the conversation's next turn.</summary>
/// <param name="Depth">Blocks of the prompt's chain, at least 1; only a chain that the peer still has can be spoken
/// of.</param>
/// <param name="LastBlock">The last of them.</param>
/// <param name="PromptTokens">Tokens of the prompt as the engine counted them.</param>
/// <param name="AnswerTokens">Tokens of the answer.</param>
/// <param name="End">The length of the prompt in the unit of its keys.</param>
/// <param name="Hash">The hash of the whole prompt; never 0.</param>
public readonly record struct PeerAnswer(
    int Depth, ulong LastBlock, long PromptTokens, long AnswerTokens, long End, ulong Hash);
