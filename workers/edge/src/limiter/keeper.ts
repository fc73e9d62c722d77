import { RATES } from "../generated/contract";
import {
  type Ask,
  costs,
  MINUTE,
  monthEnd,
  monthOf,
  monthRules,
  type Reason,
  type Rule,
  rulesOf,
  SECOND,
  scopeOf,
  type Taken,
  type Usage,
} from "./rules";
import type { Gift, Moved, Shard, Wish } from "./shard";

/** How the request rate stands: of so many requests in any minute so many are left, more in `resetMs`. */
export interface Rate {
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
}

/** What became of a request: let through, or refused for a reason, with the time after which to ask again. */
export interface Verdict {
  readonly refused?: Reason;
  readonly retryMs: number;
  readonly rate: Rate;
}

/** How a shard's siblings are asked. */
export type AskSibling = (index: number, wish: Wish) => Promise<Gift>;

/** Where a shard writes down what it must not forget. */
export interface Journal {
  /** At most `unwritten` admissions of a key may be lost. */
  admitted(at: number, key: string, unwritten: number): void;
  held(lease: string, key: string, until: number): void;
  ended(lease: string): void;
  spent(name: string, amount: number): void;
  moved(name: string, other: number, moved: Moved): void;
}

/** As much of a minute's limit may be lost when all of a tenant's objects end without a warning: a hundredth. */
const UNWRITTEN = 0.01;
/** Most times siblings are asked for one request: others may have taken what they gave. */
const ROUNDS = 8;
/**
 * Longest that siblings who had nothing are not asked again, in milliseconds. They are asked as soon as one of them will
 * have something by its own word; of streams nobody can give it, so that for them siblings are always asked.
 */
const LET_BE_MS = 1000;

/** Siblings had nothing: they are asked again at `again`, and know of nothing that will be free before `frees`. */
interface Empty {
  readonly again: number;
  readonly frees: number;
}

/** Keeps one shard's part of a tenant's limits, and its journal. */
export class Keeper {
  readonly #shard: Shard;
  readonly #journal: Journal;
  readonly #ask: AskSibling;
  readonly #clock: () => number;
  readonly #asking = new Map<string, Promise<boolean>>();
  readonly #empty = new Map<string, Empty>();

  constructor(shard: Shard, journal: Journal, ask: AskSibling, clock: () => number) {
    this.#shard = shard;
    this.#journal = journal;
    this.#ask = ask;
    this.#clock = clock;
  }

  /** Lets a request through if every limit allows it, and counts it then; a refused one counts for nothing. */
  async admit(ask: Ask): Promise<Verdict> {
    const { shards } = ask;
    let inVain = false;
    for (let round = 0; ; round += 1) {
      const now = this.#clock();
      const rules = rulesOf(ask, now);
      const lacking = this.#shard.lacking(rules, shards, now);
      const [first] = lacking;
      if (first === undefined) {
        this.#count(ask, rules, now);
        return { retryMs: 0, rate: this.#rate(rules, shards, now) };
      }
      if (inVain || round === ROUNDS || !lacking.every((rule) => this.#mayBeHad(rule, shards, now))) {
        return this.#refuse(lacking, rules, shards, now);
      }
      inVain = (await Promise.all(lacking.map((rule) => this.#gather(rule, shards)))).includes(false);
    }
  }

  /** A stream is still there. Unknown ones are taken up again: they were let through once. */
  renew(ask: Ask): void {
    this.#hold(ask, this.#clock());
  }

  /** A request has ended: what it held is free, what it took is counted. */
  async settle({ lease, key, limits, shards }: Ask, usage: Usage): Promise<void> {
    if (lease !== undefined) {
      this.#shard.leases("streams").end(lease);
      this.#shard.leases(`streams${scopeOf(key)}`).end(lease);
      this.#journal.ended(lease);
    }
    await this.count([{ limits, shards, usage }]);
  }

  /**
   * Counts what answers took, the latest last. What they took beyond this shard's part is made up for by the siblings' at
   * once, so that none of them goes on giving what the tenant as a whole no longer has.
   */
  async count(answers: readonly Taken[]): Promise<void> {
    const now = this.#clock();
    for (const { usage, limits } of answers) {
      for (const [name, amount] of costs(usage, limits, monthOf(now))) {
        if (amount > 0) {
          this.#shard.spent(name).note(amount);
          this.#journal.spent(name, amount);
        }
      }
    }
    const latest = answers.at(-1);
    if (latest === undefined) {
      return;
    }
    const { limits, shards } = latest;
    const owed = monthRules(limits, now).filter((rule) => this.#shard.free(rule, shards, now) < 0);
    await Promise.all(
      owed.filter((rule) => this.#mayBeHad(rule, shards, now)).map((rule) => this.#gather(rule, shards)),
    );
  }

  /** Gives a sibling of what is free here. */
  give(wish: Wish): Gift {
    const gift = this.#shard.give(wish, this.#clock());
    this.#journal.moved(wish.rule.name, wish.to, this.#shard.moved(wish.rule.name, wish.to));
    return gift;
  }

  #count(ask: Ask, rules: readonly Rule[], now: number): void {
    for (const { name, length } of rules) {
      if (length !== undefined) {
        this.#shard.window(name, length).note(now);
      }
    }
    const minutes = rules.filter(({ length }) => length === MINUTE).map(({ limit }) => limit);
    const unwritten = Math.floor((Math.min(...minutes) * UNWRITTEN) / ask.shards);
    this.#journal.admitted(now, ask.own === undefined ? "" : ask.key, unwritten);
    this.#hold(ask, now);
  }

  #hold({ lease, key, own }: Ask, now: number): void {
    if (lease === undefined) {
      return;
    }
    const until = now + RATES.LEASE_S * SECOND;
    const scopes = own?.streams === undefined ? [""] : ["", scopeOf(key)];
    for (const scope of scopes) {
      this.#shard.leases(`streams${scope}`).hold(lease, until);
    }
    this.#journal.held(lease, own?.streams === undefined ? "" : key, until);
  }

  #mayBeHad(rule: Rule, shards: number, now: number): boolean {
    return this.#shard.siblings(rule.name, shards).length > 0 && (this.#empty.get(rule.name)?.again ?? 0) <= now;
  }

  /** Asks the siblings for what this shard lacks, and says whether they had it; who lacks the same waits for one answer. */
  async #gather(rule: Rule, shards: number): Promise<boolean> {
    const running = this.#asking.get(rule.name);
    if (running !== undefined) {
      return await running;
    }
    const asking = this.#askAll(rule, shards).finally(() => this.#asking.delete(rule.name));
    this.#asking.set(rule.name, asking);
    return await asking;
  }

  async #askAll(rule: Rule, shards: number): Promise<boolean> {
    const { index } = this.#shard;
    const wish = { rule, shards, to: index, amount: 1 - this.#shard.free(rule, shards, this.#clock()) };
    const frees = await Promise.all(
      this.#shard.siblings(rule.name, shards).map(async (other) => {
        const gift = await this.#ask(other, wish).catch(() => null);
        if (gift === null) {
          // What it may have given meanwhile it says again when it is next asked.
          return this.#clock() + LET_BE_MS;
        }
        this.#shard.receive(rule.name, other, gift.given);
        this.#journal.moved(rule.name, other, this.#shard.moved(rule.name, other));
        return gift.frees;
      }),
    );
    const now = this.#clock();
    const had = this.#shard.free(rule, shards, now) >= 1;
    if (!had) {
      const soonest = Math.min(...frees);
      const again = rule.reason === "streams" ? now : Math.min(now + LET_BE_MS, soonest);
      this.#empty.set(rule.name, { again, frees: soonest });
    }
    return had;
  }

  #refuse(lacking: readonly Rule[], rules: readonly Rule[], shards: number, now: number): Verdict {
    const waits = lacking.map((rule) => this.#wait(rule, shards, now));
    const longest = Math.max(...waits);
    const refused = (lacking.find(({ reason }) => reason === "quota") ?? lacking[waits.indexOf(longest)])?.reason;
    return { refused: refused ?? "rate", retryMs: Math.max(1, longest - now), rate: this.#rate(rules, shards, now) };
  }

  /** When to ask again. A stream's end nobody knows: the next second is as good as any. */
  #wait(rule: Rule, shards: number, now: number): number {
    if (rule.reason === "quota") {
      return monthEnd(now);
    }
    const there = this.#empty.get(rule.name)?.frees ?? Number.POSITIVE_INFINITY;
    const soonest = Math.min(this.#shard.frees(rule, shards, now), there < now ? Number.POSITIVE_INFINITY : there);
    return Number.isFinite(soonest) ? soonest : now + (rule.length ?? SECOND);
  }

  /** The tightest of the minute's limits. With several shards what is left is an estimate: this one's, times all. */
  #rate(rules: readonly Rule[], shards: number, now: number): Rate {
    const minutes = rules.filter(({ length }) => length === MINUTE);
    const rates = minutes.map((rule) => {
      const remaining = Math.max(0, Math.min(rule.limit, this.#shard.free(rule, shards, now) * shards));
      const window = this.#shard.budget(rule);
      const reset = window.frees(now, window.used(now));
      return { limit: rule.limit, remaining, resetMs: Number.isFinite(reset) ? reset - now : MINUTE };
    });
    return rates.reduce((tightest, rate) => (rate.remaining < tightest.remaining ? rate : tightest));
  }
}
