import { EDGE } from "./generated/contract";

/** Most values of one kind kept in a namespace's name, and as many more that there are none. */
const KEPT_RECORDS = 10_000;
/** Seconds it is remembered that there is no record: a new key must soon work. */
const ABSENT_S = 5;

/** Remembers values for a bounded time, and a bounded number of them: the oldest goes first. */
export class Kept<T> {
  readonly #size: number;
  readonly #milliseconds: number;
  readonly #entries = new Map<string, { readonly value: T; readonly until: number }>();

  constructor(size: number, seconds: number) {
    this.#size = size;
    this.#milliseconds = seconds * 1000;
  }

  /** The value kept under `key`, boxed, or null when there is none or it is too old. */
  get(key: string): { readonly value: T } | null {
    const entry = this.#entries.get(key);
    return entry !== undefined && Date.now() < entry.until ? entry : null;
  }

  /** Keeps a value. `read`, in milliseconds, is when its reading began: so old may it be already. */
  set(key: string, value: T, read: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: read + this.#milliseconds });
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > this.#size && !oldest.done) {
      this.#entries.delete(oldest.value);
    }
  }
}

/**
 * `read`, asked again for the same key only after the contract's time. What is kept are values, never promises: one
 * request must not wait for another's. Records and their absence are kept apart: whoever guesses keys drives none out.
 */
export function keptRecords<T>(
  read: (namespace: KVNamespace, key: string) => Promise<T | null>,
): (namespace: KVNamespace, key: string) => Promise<T | null> {
  const namespaces = new WeakMap<KVNamespace, { readonly found: Kept<T>; readonly absent: Kept<null> }>();
  const keptOf = (namespace: KVNamespace) => {
    const kept = namespaces.get(namespace) ?? {
      found: new Kept<T>(KEPT_RECORDS, EDGE.RECORD_MEMORY_S),
      absent: new Kept<null>(KEPT_RECORDS, ABSENT_S),
    };
    namespaces.set(namespace, kept);
    return kept;
  };
  return async (namespace, key) => {
    const { found, absent } = keptOf(namespace);
    const known = found.get(key) ?? absent.get(key);
    if (known !== null) {
      return known.value;
    }
    const began = Date.now();
    const value = await read(namespace, key);
    if (value === null) {
      absent.set(key, null, began);
    } else {
      found.set(key, value, began);
    }
    return value;
  };
}
