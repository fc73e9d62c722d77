import type { Env } from "../env";
import { RATES, shardName } from "../generated/contract";
import type { Verdict } from "./keeper";
import type { Admission, Limiter } from "./object";
import type { Ask, Usage } from "./rules";
import { type Told, tellTogether } from "./tally";

/** The exact limiter did not answer, or not in time. */
export class LimiterDownError extends Error {}

/** A request that was let through, until it ends. */
export interface Admitted {
  renew(): Promise<void>;
  /** Only the first call counts; every later one waits for it. What cannot be counted stands in the log. */
  settle(usage: Usage): Promise<void>;
}

/** Says in the log what an answer took that could not be counted. */
export function logLost(request: string, tenant: string, usage: Usage, error: unknown): void {
  const line = { event: "usage_lost", request_id: request, tenant, ...usage, reason: String(error) };
  console.log(JSON.stringify(line));
}

/**
 * Asks the shard of a place for the request of this id, so that what one place asks for meets nearby: an object lives near where it was first asked.
 * Raises LimiterDownError.
 */
export async function admit(
  env: Env,
  ask: Ask,
  place: string,
  request: string,
): Promise<{ verdict: Verdict; admitted?: Admitted }> {
  const index = shardOf(place, ask.shards);
  const name = shardName(ask.tenant, String(index));
  // A stub whose object has ended is of no use any more, so each call has its own.
  const limiter = (): DurableObjectStub<Limiter> => env[RATES.BINDING_LIMITER].getByName(name);
  const asked = limiter().admit(index, ask);
  try {
    const { verdict, admission } = await within(RATES.LIMITER_MS, asked);
    if (admission === undefined) {
      return { verdict };
    }
    return { verdict, admitted: new Session({ limiter, index, name, ask, request }, admission) };
  } catch (error) {
    // What comes too late is given back at once: nobody would.
    asked.then(({ admission }) => admission?.[Symbol.dispose]()).catch(() => undefined);
    throw new LimiterDownError(error instanceof Error ? error.message : String(error));
  }
}

/** Counts what a request took that was let through, after its admission ended. Raises what the limiter raises. */
export async function charge(env: Env, ask: Ask, usage: Usage): Promise<void> {
  await env[RATES.BINDING_LIMITER].getByName(shardName(ask.tenant, "0")).settle(0, ask, usage);
}

/** Which of a tenant's shards a place asks (FNV-1a of its name). */
export function shardOf(place: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (const letter of place) {
    hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  }
  return hash % shards;
}

/** What a request was let through by: the shard, as it is called and reached, and what it was asked. */
interface Asked {
  readonly limiter: () => DurableObjectStub<Limiter>;
  readonly index: number;
  readonly name: string;
  readonly ask: Ask;
  readonly request: string;
}

/** Goes through the admission while there is one, and by name once the object has started anew. */
class Session implements Admitted {
  readonly #asked: Asked;
  readonly #admission: Rpc.Stub<Admission>;
  #settled: Promise<void> | undefined;

  constructor(asked: Asked, admission: Rpc.Stub<Admission>) {
    this.#asked = asked;
    this.#admission = admission;
  }

  async renew(): Promise<void> {
    const { limiter, index, ask } = this.#asked;
    try {
      await this.#admission.renew();
    } catch {
      await limiter().renew(index, ask);
    }
  }

  async settle(usage: Usage): Promise<void> {
    this.#settled ??= this.#settle(usage);
    await this.#settled;
  }

  async #settle(usage: Usage): Promise<void> {
    const { name, ask, request } = this.#asked;
    try {
      if (ask.lease !== undefined) {
        await this.#end(usage);
      } else if (usage.read + usage.made > 0) {
        const answer = { request, usage, limits: ask.limits, shards: ask.shards };
        await tellTogether(name, answer, async (answers) => await this.#count(answers));
      }
    } finally {
      this.#admission[Symbol.dispose]();
    }
  }

  /** Gives a lease back at once: another stream may wait for it. */
  async #end(usage: Usage): Promise<void> {
    const { limiter, index, ask, request } = this.#asked;
    try {
      await this.#admission.settle(usage);
    } catch {
      await limiter()
        .settle(index, ask, usage)
        .catch((error: unknown) => logLost(request, ask.tenant, usage, error));
    }
  }

  async #count(answers: readonly Told[]): Promise<void> {
    const { limiter, index, ask } = this.#asked;
    try {
      await this.#admission.count(answers);
    } catch {
      await limiter()
        .count(index, ask.tenant, answers)
        .catch((error: unknown) => {
          for (const { request, usage } of answers) {
            logLost(request, ask.tenant, usage, error);
          }
        });
    }
  }
}

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer in ${milliseconds} ms`)), milliseconds);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
