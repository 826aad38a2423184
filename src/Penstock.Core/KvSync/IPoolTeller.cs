using Penstock.Core.Prefixes;
using Penstock.Core.Routing;

namespace Penstock.Core.KvSync;

/// <summary>Brings to a pool what follows from the events of one of its replicas.</summary>
public interface IPoolTeller
{
    /// <summary>Something happened, with the blocks that go with it. They are valid during the call.</summary>
    void Tell(in PoolEvent happened, in PromptPrefix blocks);
}
