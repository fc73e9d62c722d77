import { createLocalJWKSet, errors, type JWTVerifyGetKey } from "jose";
import { parseObject, readAtMost } from "./body";
import { Kept } from "./kept";

/** Seconds a key set is used before it is fetched anew: so long may a key live that its issuer has taken out. */
const FRESH_S = 300;
/** Seconds it is used at most while it cannot be fetched. */
const STALE_S = 3600;
/** Seconds after a good fetch in which a token of an unknown key brings no other. */
const COOL_DOWN_S = 30;
/** Seconds after a failed fetch in which there is no other. */
const RETRY_S = 5;
/** Seconds one fetch may take. */
const FETCH_S = 3;
/** Largest key set read, in bytes. */
const KEY_SET_BYTES = 65_536;
const KEPT_SETS = 1_000;

/** A key set that cannot be fetched; the message names no token. */
export class KeySetError extends Error {}

/** One issuer's public keys, fetched when they are needed and seldom otherwise. */
class KeySet {
  readonly #url: string;
  #keys: { readonly find: JWTVerifyGetKey; readonly fetched: number } | undefined;
  #tried: { readonly at: number; readonly outcome: "begun" | "good" | "failed" } = { at: 0, outcome: "good" };

  constructor(url: string) {
    this.#url = url;
  }

  /** The key a token names. Raises KeySetError when that cannot be known, and jose's errors when there is none. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const keys = await this.#current();
    try {
      return await keys.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.#within("good", COOL_DOWN_S)) {
        throw error;
      }
    }
    // The issuer may have begun to sign with another key.
    return await (await this.#fetch()).find(header, token);
  };

  async #current() {
    const age = this.#keys === undefined ? Number.POSITIVE_INFINITY : secondsSince(this.#keys.fetched);
    if (this.#keys !== undefined && age < FRESH_S) {
      return this.#keys;
    }
    try {
      return await this.#fetch();
    } catch (error) {
      if (this.#keys !== undefined && age < STALE_S) {
        return this.#keys;
      }
      throw error;
    }
  }

  /**
   * Fetches the set, but not soon after a failure. While another request fetches it, one that has keys goes on with
   * them: it cannot wait, for a request that is cancelled never ends what it began.
   */
  async #fetch() {
    if (this.#within("failed", RETRY_S) || (this.#keys !== undefined && this.#within("begun", FETCH_S))) {
      throw new KeySetError("the issuer's keys could not be fetched a moment ago");
    }
    const began = Date.now();
    this.#tried = { at: began, outcome: "begun" };
    try {
      const find = createLocalJWKSet(await fetchKeySet(this.#url));
      this.#keys = { find, fetched: began };
      this.#tried = { at: began, outcome: "good" };
      return this.#keys;
    } catch (error) {
      this.#tried = { at: Date.now(), outcome: "failed" };
      throw new KeySetError("the issuer's keys cannot be fetched", { cause: error });
    }
  }

  #within(outcome: "begun" | "good" | "failed", seconds: number): boolean {
    return this.#tried.outcome === outcome && secondsSince(this.#tried.at) < seconds;
  }
}

const sets = new Kept<KeySet>(KEPT_SETS, Number.POSITIVE_INFINITY);

/** Finds keys in the set at `url`; the set stays in the isolate's memory. */
export function keySet(url: string): JWTVerifyGetKey {
  const set = sets.get(url)?.value ?? new KeySet(url);
  sets.set(url, set, Date.now());
  return set.find;
}

async function fetchKeySet(url: string): Promise<Parameters<typeof createLocalJWKSet>[0]> {
  const answer = await fetch(url, {
    headers: { accept: "application/json" },
    redirect: "manual",
    signal: AbortSignal.timeout(FETCH_S * 1000),
  });
  const body = answer.ok && answer.body !== null ? await readAtMost(answer.body, KEY_SET_BYTES) : null;
  const parsed = body === null ? null : parseObject(body);
  if (parsed === null) {
    throw new TypeError(`answered ${answer.status}, and not with a key set`);
  }
  return parsed as unknown as Parameters<typeof createLocalJWKSet>[0];
}

function secondsSince(milliseconds: number): number {
  return (Date.now() - milliseconds) / 1000;
}
