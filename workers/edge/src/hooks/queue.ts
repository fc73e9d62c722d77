import { HOOKS } from "../generated/contract";

const SECOND = 1000;
/** When a delivery that was begun may be begun again: later than it can last. */
const CLAIM_MS = 2 * HOOKS.DELIVERY_S * SECOND;

/** Whose answer is delivered: the id is the request's that asked for it. */
export interface Delivery {
  readonly id: string;
  readonly tenant: string;
  readonly hook: string;
  readonly agent: string;
}

/**
 * What is to be done next. `asked`: the chat is to be run, `payload` is what the user says. `answered`: the answer is to
 * be sent, for the `tries`th time; without `payload`, the chat was cut.
 */
export interface Job extends Delivery {
  readonly state: "asked" | "answered";
  readonly tries: number;
  readonly payload: Uint8Array | null;
}

/** A delivery that was given up, without a word of it. */
export interface DeadLetter {
  readonly id: string;
  readonly agent: string;
  /** Unix seconds. */
  readonly created: number;
  readonly tries: number;
  readonly last_status: number | null;
}

/** Milliseconds until the next try after so many; `chance` is at least 0 and less than 1. */
export function backoffMs(tries: number, chance: number = Math.random()): number {
  const seconds = Math.min(HOOKS.RETRY_S * HOOKS.RETRY_FACTOR ** (tries - 1), HOOKS.RETRY_MOST_S);
  return Math.round(seconds * (1 + chance / 2) * SECOND);
}

/**
 * One hook's deliveries in its object's storage. A row is `asked`, `begun` (its chat runs), `answered` or `dead`; `due`
 * (ms) is when something is to be done about it, of a dead one its end.
 */
export class Queue {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS deliveries (
      id TEXT PRIMARY KEY, tenant TEXT NOT NULL, hook TEXT NOT NULL, agent TEXT NOT NULL, state TEXT NOT NULL,
      created INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, due INTEGER, last_status INTEGER, payload BLOB)`);
    sql.exec("CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due)");
  }

  /** Takes a delivery in; false when too many wait. */
  add({ id, tenant, hook, agent }: Delivery, payload: Uint8Array, now: number): boolean {
    const { n } = this.#sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM deliveries WHERE state <> 'dead'").one();
    if (n >= HOOKS.OUTBOX_MOST) {
      return false;
    }
    const values = [id, tenant, hook, agent, now, now, blob(payload)];
    this.#sql.exec(
      "INSERT INTO deliveries (id, tenant, hook, agent, state, created, due, payload) VALUES (?, ?, ?, ?, 'asked', ?, ?, ?)",
      ...values,
    );
    return true;
  }

  /** The next job that is due, marked as begun before anything is done: a chat for good, a try for a while. */
  claim(now: number): Job | null {
    const query = "SELECT * FROM deliveries WHERE due <= ? AND state IN ('asked', 'answered') ORDER BY due LIMIT 1";
    const [row] = this.#sql.exec<Record<string, SqlStorageValue>>(query, now).toArray();
    if (row === undefined) {
      return null;
    }
    const { payload, ...rest } = row as unknown as Job & { readonly payload: ArrayBuffer | null };
    const job = { ...rest, payload: payload === null ? null : new Uint8Array(payload) };
    if (job.state === "asked") {
      this.#sql.exec("UPDATE deliveries SET state = 'begun', due = NULL WHERE id = ?", job.id);
      return job;
    }
    this.#sql.exec("UPDATE deliveries SET tries = tries + 1, due = ? WHERE id = ?", now + CLAIM_MS, job.id);
    return { ...job, tries: job.tries + 1 };
  }

  /** A chat has ended; null for one that was cut. What was asked is no longer kept. */
  answered(id: string, payload: Uint8Array | null, now: number): void {
    const value = payload === null ? null : blob(payload);
    this.#sql.exec("UPDATE deliveries SET state = 'answered', due = ?, payload = ? WHERE id = ?", now, value, id);
  }

  /** Chats that an earlier life of the object began, and nobody knows how far. */
  cutBegun(now: number): void {
    this.#sql.exec("UPDATE deliveries SET state = 'answered', due = ?, payload = NULL WHERE state = 'begun'", now);
  }

  /** The receiver has it. */
  done(id: string): void {
    this.#sql.exec("DELETE FROM deliveries WHERE id = ?", id);
  }

  retry(id: string, status: number | null, due: number): void {
    this.#sql.exec("UPDATE deliveries SET last_status = ?, due = ? WHERE id = ?", status, due, id);
  }

  /** Gives a delivery up; the oldest that were given up make room. */
  bury(id: string, status: number | null, now: number): void {
    const end = now + HOOKS.DEAD_LETTER_S * SECOND;
    this.#sql.exec("UPDATE deliveries SET state = 'dead', last_status = ?, due = ? WHERE id = ?", status, end, id);
    const kept = "SELECT id FROM deliveries WHERE state = 'dead' ORDER BY due DESC, created DESC LIMIT ?";
    this.#sql.exec(`DELETE FROM deliveries WHERE state = 'dead' AND id NOT IN (${kept})`, HOOKS.OUTBOX_MOST);
  }

  /** What was given up and is still kept, the latest first. */
  dead(now: number): DeadLetter[] {
    const query = `SELECT id, agent, created / 1000 AS created, tries, last_status FROM deliveries
      WHERE state = 'dead' AND due > ? ORDER BY due DESC, created DESC`;
    return this.#sql.exec<Record<string, SqlStorageValue>>(query, now).toArray() as unknown as DeadLetter[];
  }

  /** Has what was given up sent again, as if for the first time; false when it is not there. */
  revive(id: string, now: number): boolean {
    const query =
      "UPDATE deliveries SET state = 'answered', tries = 0, due = ? WHERE id = ? AND state = 'dead' AND due > ?";
    return this.#sql.exec(query, now, id, now).rowsWritten > 0;
  }

  forget(now: number): void {
    this.#sql.exec("DELETE FROM deliveries WHERE state = 'dead' AND due <= ?", now);
  }

  /** When something is to be done next; null for never. */
  next(): number | null {
    return this.#sql.exec<{ due: number | null }>("SELECT MIN(due) AS due FROM deliveries").one().due;
  }
}

function blob(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer;
}
