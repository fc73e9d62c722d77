import type { Env } from "../env";
import { RATES, shardName } from "../generated/contract";
import type { Verdict } from "./keeper";
import type { Admission, Limiter } from "./object";
import type { Ask, Usage } from "./rules";

/** The exact limiter did not answer, or not in time. */
export class LimiterDownError extends Error {}

/** A request that was let through, until it ends. */
export interface Admitted {
  renew(): Promise<void>;
  /** Only the first call counts; every later one waits for it. */
  settle(usage: Usage): Promise<void>;
}

/**
 * Asks the shard of a place, so that what one place asks for meets nearby: an object lives near where it was first asked.
 * Raises LimiterDownError.
 */
export async function admit(env: Env, ask: Ask, place: string): Promise<{ verdict: Verdict; admitted?: Admitted }> {
  const index = shardOf(place, ask.shards);
  // A stub whose object has ended is of no use any more, so each call has its own.
  const limiter = (): DurableObjectStub<Limiter> =>
    env[RATES.BINDING_LIMITER].getByName(shardName(ask.tenant, String(index)));
  const asked = limiter().admit(index, ask);
  try {
    const { verdict, admission } = await within(RATES.LIMITER_MS, asked);
    return admission === undefined ? { verdict } : { verdict, admitted: new Session(limiter, index, ask, admission) };
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

/** Goes through the admission while there is one, and by name once the object has started anew. */
class Session implements Admitted {
  readonly #limiter: () => DurableObjectStub<Limiter>;
  readonly #index: number;
  readonly #ask: Ask;
  readonly #admission: Rpc.Stub<Admission>;
  #settled: Promise<void> | undefined;

  constructor(limiter: () => DurableObjectStub<Limiter>, index: number, ask: Ask, admission: Rpc.Stub<Admission>) {
    this.#limiter = limiter;
    this.#index = index;
    this.#ask = ask;
    this.#admission = admission;
  }

  async renew(): Promise<void> {
    try {
      await this.#admission.renew();
    } catch {
      await this.#limiter().renew(this.#index, this.#ask);
    }
  }

  async settle(usage: Usage): Promise<void> {
    this.#settled ??= this.#settle(usage);
    await this.#settled;
  }

  async #settle(usage: Usage): Promise<void> {
    try {
      // Letting go of it says as much as an end without a word.
      if (this.#ask.lease !== undefined || usage.read + usage.made > 0) {
        await this.#admission.settle(usage);
      }
    } catch {
      await this.#limiter().settle(this.#index, this.#ask, usage);
    } finally {
      this.#admission[Symbol.dispose]();
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
