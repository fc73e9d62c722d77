import type { Env } from "../env";
import { RATES, shardName } from "../generated/contract";
import type { Verdict } from "./keeper";
import type { Admission, Limiter } from "./object";
import type { Ask, Usage } from "./rules";
import { isAlone, type Told, takeBack, takeDue, tellTogether } from "./tally";

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
 * Asks the shard of a place for the request of this id, so that what one place asks for meets nearby: an object lives near
 * where it was first asked. It is told what earlier answers took. Raises LimiterDownError.
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
  const told = takeDue(name);
  // To hold one costs as much as all the rest: only what must be told the end of, or may have to tell it, does.
  const asked = limiter().admit(index, ask, isAlone(name) || ask.lease !== undefined, told);
  try {
    const { verdict, admission } = await within(RATES.LIMITER_MS, asked);
    return verdict.refused === undefined
      ? { verdict, admitted: new Session({ limiter, index, name, ask, request }, admission) }
      : { verdict };
  } catch (error) {
    takeBack(name, told);
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

/** Goes through the admission where one is held, and by name where none is or the object has started anew. */
class Session implements Admitted {
  readonly #asked: Asked;
  readonly #admission: Rpc.Stub<Admission> | undefined;
  #settled: Promise<void> | undefined;

  constructor(asked: Asked, admission: Rpc.Stub<Admission> | undefined) {
    this.#asked = asked;
    this.#admission = admission;
  }

  async renew(): Promise<void> {
    const { index, ask } = this.#asked;
    await this.#call(
      async (admission) => await admission.renew(),
      async (limiter) => await limiter.renew(index, ask),
    );
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
        const held = this.#admission !== undefined;
        await tellTogether(name, answer, held, async (answers) => await this.#count(answers));
      }
    } finally {
      this.#admission?.[Symbol.dispose]();
    }
  }

  /** Gives a lease back at once: another stream may wait for it. */
  async #end(usage: Usage): Promise<void> {
    const { index, ask, request } = this.#asked;
    await this.#call(
      async (admission) => await admission.settle(usage),
      async (limiter) => await limiter.settle(index, ask, usage),
    ).catch((error: unknown) => logLost(request, ask.tenant, usage, error));
  }

  async #count(answers: readonly Told[]): Promise<void> {
    const { index, ask } = this.#asked;
    await this.#call(
      async (admission) => await admission.count(answers),
      async (limiter) => await limiter.count(index, ask.tenant, answers),
    ).catch((error: unknown) => {
      for (const { request, usage } of answers) {
        logLost(request, ask.tenant, usage, error);
      }
    });
  }

  async #call(
    over: (admission: Rpc.Stub<Admission>) => Promise<void>,
    byName: (limiter: DurableObjectStub<Limiter>) => Promise<void>,
  ): Promise<void> {
    if (this.#admission !== undefined) {
      try {
        await over(this.#admission);
        return;
      } catch {
        // The object has started anew.
      }
    }
    await byName(this.#asked.limiter());
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
