import { DurableObject, RpcTarget } from "cloudflare:workers";
import type { Env } from "../env";
import { RATES, shardName } from "../generated/contract";
import { SqlJournal } from "./journal";
import { Keeper, type Verdict } from "./keeper";
import { type Ask, MINUTE, type Taken, type Usage } from "./rules";
import { type Gift, Shard, type Wish } from "./shard";

/** A request that was let through, held open by the Worker that serves it. All its calls are one with the one that asked. */
export class Admission extends RpcTarget {
  readonly #keeper: Keeper;
  readonly #ask: Ask;
  #over = false;

  constructor(keeper: Keeper, ask: Ask) {
    super();
    this.#keeper = keeper;
    this.#ask = ask;
  }

  /** The stream goes on. */
  renew(): void {
    if (!this.#over) {
      this.#keeper.renew(this.#ask);
    }
  }

  /** The request has ended and took so much. */
  async settle(usage: Usage): Promise<void> {
    if (!this.#over) {
      this.#over = true;
      await this.#keeper.settle(this.#ask, usage);
    }
  }

  /** Answers have been given, this request's among them, and took so much. */
  async count(answers: readonly Taken[]): Promise<void> {
    await this.#keeper.count(answers);
  }

  /** The Worker let go of it, or is no more. */
  [Symbol.dispose](): void {
    if (this.#ask.lease !== undefined) {
      void this.settle({ read: 0, made: 0 });
    }
  }
}

/** What the Worker gets: the verdict, and the admission where it is good and to be held. */
export interface Answer {
  readonly verdict: Verdict;
  readonly admission?: Admission;
}

/** One shard of a tenant's exact limiter. It is known by its name; callers say which one it is. */
export class Limiter extends DurableObject<Env> {
  readonly #journal: SqlJournal;
  #keeper: Keeper | undefined;
  #shard: Shard | undefined;
  #wakes = false;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#journal = new SqlJournal(state.storage.sql);
  }

  /** Lets a request through, or not, once what earlier answers took is counted. */
  async admit(index: number, ask: Ask, hold: boolean, told: readonly Taken[]): Promise<Answer> {
    const keeper = this.#open(index, ask.tenant);
    await this.#wakeLater();
    await keeper.count(told);
    const verdict = await keeper.admit(ask);
    return hold && verdict.refused === undefined ? { verdict, admission: new Admission(keeper, ask) } : { verdict };
  }

  /** Gives a sibling some of what is free here. */
  give(index: number, tenant: string, wish: Wish): Gift {
    return this.#open(index, tenant).give(wish);
  }

  /** Goes on with a stream whose admission is lost, because this object started anew meanwhile. */
  renew(index: number, ask: Ask): void {
    this.#open(index, ask.tenant).renew(ask);
  }

  /** Settles such a request. */
  async settle(index: number, ask: Ask, usage: Usage): Promise<void> {
    await this.#open(index, ask.tenant).settle(ask, usage);
  }

  /** Counts what answers of such requests took. */
  async count(index: number, tenant: string, answers: readonly Taken[]): Promise<void> {
    await this.#open(index, tenant).count(answers);
  }

  /** Forgets what no longer counts: nobody else would once nobody asks. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    this.#shard?.forget(now);
    this.#wakes = this.#journal.prune(now);
    if (this.#wakes) {
      await this.ctx.storage.setAlarm(now + MINUTE);
    }
  }

  #open(index: number, tenant: string): Keeper {
    if (this.#keeper === undefined) {
      const shard = new Shard(index);
      this.#journal.replay(shard);
      const ask = async (other: number, wish: Wish): Promise<Gift> => {
        const name = shardName(tenant, String(other));
        try {
          return await this.env[RATES.BINDING_LIMITER].getByName(name).give(other, tenant, wish);
        } catch (error) {
          console.log(JSON.stringify({ event: "limiter_shard_down", tenant, shard: other, reason: String(error) }));
          throw error;
        }
      };
      this.#shard = shard;
      this.#keeper = new Keeper(shard, this.#journal, ask, () => Date.now());
    }
    return this.#keeper;
  }

  async #wakeLater(): Promise<void> {
    if (!this.#wakes) {
      this.#wakes = true;
      await this.ctx.storage.setAlarm((await this.ctx.storage.getAlarm()) ?? Date.now() + MINUTE);
    }
  }
}
