import { type AskSibling, type Journal, Keeper, type Verdict } from "../limiter/keeper";
import type { Ask, KeyLimits, Limits } from "../limiter/rules";
import { Shard } from "../limiter/shard";

const FORGETFUL: Journal = { admitted() {}, held() {}, ended() {}, spent() {}, moved() {} };

/** A tenant's shards in one place, on a clock of the test's own; `carry` is how a question reaches a sibling. */
export class Tenant {
  now = Date.UTC(2026, 0, 15);
  readonly shards: Shard[];
  readonly keepers: Keeper[];

  constructor(count: number, carry: (ask: AskSibling) => AskSibling = (ask) => ask) {
    this.shards = Array.from({ length: count }, (_, index) => new Shard(index));
    const ask = carry(async (index, wish) => this.keeper(index).give(wish));
    this.keepers = this.shards.map((shard) => new Keeper(shard, FORGETFUL, ask, () => this.now));
  }

  keeper(index: number): Keeper {
    const found = this.keepers[index % this.keepers.length];
    if (found === undefined) {
      throw new RangeError(`no shard ${index}`);
    }
    return found;
  }

  async admit(place: number, ask: Ask): Promise<Verdict> {
    return await this.keeper(place).admit(ask);
  }
}

/** A request of acme's. */
export function ask(limits: Partial<Limits>, more: Partial<Ask> & { own?: KeyLimits } = {}): Ask {
  return {
    tenant: "acme",
    key: "k1",
    limits: { per_minute: 10_000, burst: 10_000, streams: 10_000, ...limits },
    shards: 1,
    metered: true,
    ...more,
  };
}
