import { type Budget, Leases, Spent, Window } from "./budget";
import type { Rule } from "./rules";

/** What one shard has given to another and got from it, ever: only ever more, so that saying it again changes nothing. */
export interface Moved {
  given: number;
  got: number;
}

/** A sibling's answer: all it has ever given of a budget, and when it may have more. */
export interface Gift {
  readonly given: number;
  readonly frees: number;
}

/** What is asked of a sibling. */
export interface Wish {
  readonly rule: Rule;
  readonly shards: number;
  readonly to: number;
  readonly amount: number;
}

/**
 * One of the shards that together keep a tenant's limits.
 *
 * Each has a part of every limit, and lets through only what fits its own part. A shard whose part is used up takes what
 * is free of the others' (a bounded counter: Balegas et al., 2015). What moves is free on both sides, so the parts' sum is
 * the limit at any time, and what is in use never exceeds it; and only when nobody has anything free is a request refused.
 */
export class Shard {
  readonly index: number;
  readonly #budgets = new Map<string, Budget>();
  readonly #moved = new Map<string, Map<number, Moved>>();

  constructor(index: number) {
    this.index = index;
  }

  /** What is free here of a rule's budget; below zero where more is in use than there may be. */
  free(rule: Rule, shards: number, now: number): number {
    return this.capacity(rule, shards) - this.budget(rule).used(now);
  }

  /** This shard's part of a limit. */
  capacity(rule: Rule, shards: number): number {
    let capacity = partOf(rule, shards, this.index);
    for (const { given, got } of this.#moved.get(rule.name)?.values() ?? []) {
      capacity += got - given;
    }
    return capacity;
  }

  /** The rules that would be broken by one request more. */
  lacking(rules: readonly Rule[], shards: number, now: number): Rule[] {
    return rules.filter((rule) => this.free(rule, shards, now) < 1);
  }

  /** When a budget has something free here at the earliest, if nothing more is used. */
  frees(rule: Rule, shards: number, now: number): number {
    return this.budget(rule).frees(now, this.capacity(rule, shards));
  }

  /** Gives a sibling what it wants of a budget, or half of what is free if that is more. */
  give({ rule, shards, to, amount }: Wish, now: number): Gift {
    const free = Math.max(0, this.free(rule, shards, now));
    const moved = this.moved(rule.name, to);
    moved.given += Math.min(free, Math.max(amount, Math.ceil(free / 2)));
    return { given: moved.given, frees: this.frees(rule, shards, now) };
  }

  /** Takes what a sibling has given, the last time it was asked included, whether or not that answer came. */
  receive(name: string, from: number, given: number): void {
    const moved = this.moved(name, from);
    moved.got = Math.max(moved.got, given);
  }

  /** The shards that may have some of a budget: those the limit is parted among, and those this one has given to. */
  siblings(name: string, shards: number): number[] {
    const others = Array.from({ length: shards }, (_, index) => index);
    const given = [...(this.#moved.get(name) ?? [])].flatMap(([index, moved]) => (moved.given > 0 ? [index] : []));
    return [...new Set([...others, ...given])].filter((index) => index !== this.index);
  }

  /** What has moved between this shard and another. */
  moved(name: string, other: number): Moved {
    const all = entry(this.#moved, name, () => new Map<number, Moved>());
    return entry(all, other, () => ({ given: 0, got: 0 }));
  }

  budget(rule: Rule): Budget {
    if (rule.length !== undefined) {
      return this.window(rule.name, rule.length);
    }
    return rule.reason === "streams" ? this.leases(rule.name) : this.spent(rule.name);
  }

  window(name: string, length: number): Window {
    return this.#named(name, Window, () => new Window(length));
  }

  leases(name: string): Leases {
    return this.#named(name, Leases, () => new Leases());
  }

  spent(name: string): Spent {
    return this.#named(name, Spent, () => new Spent());
  }

  /** Forgets budgets of which nothing is in use. */
  forget(now: number): void {
    for (const [name, budget] of this.#budgets) {
      if (budget.used(now) === 0) {
        this.#budgets.delete(name);
      }
    }
  }

  #named<T extends Budget>(name: string, kind: new (length: number) => T, make: () => T): T {
    const found = entry(this.#budgets, name, make);
    if (!(found instanceof kind)) {
      throw new TypeError(`the budget ${name} is of another kind`);
    }
    return found;
  }
}

/**
 * A shard's part of a limit before anything moved. A month's is the first shard's alone: it must outlast a change of the
 * number of shards, as windows and streams, which are over within minutes, need not.
 */
export function partOf(rule: Rule, shards: number, index: number): number {
  if (rule.reason === "quota") {
    return index === 0 ? rule.limit : 0;
  }
  return index < shards ? Math.floor((rule.limit + shards - 1 - index) / shards) : 0;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) {
    return found;
  }
  const made = make();
  map.set(key, made);
  return made;
}
