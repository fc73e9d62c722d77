import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env";

/**
 * The deliveries one hook has taken, as long as they could be shown again: there is one such object in all the world for
 * a hook, and it does one thing at a time, so that of two that bring the same delivery one alone is told that it is new.
 */
export class HookLedger extends DurableObject<Env> {
  readonly #sql: SqlStorage;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#sql.exec("CREATE TABLE IF NOT EXISTS taken (digest TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID");
    this.#sql.exec("CREATE INDEX IF NOT EXISTS taken_until ON taken (until)");
  }

  /** Takes a delivery: true the first time, false ever after, until the time (ms) from which it is too old anyway. */
  async take(digest: string, until: number): Promise<boolean> {
    const cursor = this.#sql.exec("INSERT OR IGNORE INTO taken (digest, until) VALUES (?, ?)", digest, until);
    const isNew = cursor.rowsWritten > 0;
    if ((await this.ctx.storage.getAlarm()) === null) {
      await this.ctx.storage.setAlarm(until);
    }
    return isNew;
  }

  /** Takes a delivery back out: what became of it is that it was not taken, and it may come again as it is. */
  release(digest: string): void {
    this.#sql.exec("DELETE FROM taken WHERE digest = ?", digest);
  }

  /** Forgets what is too old; sleeps until the next is. */
  override async alarm(): Promise<void> {
    this.#sql.exec("DELETE FROM taken WHERE until <= ?", Date.now());
    const next = this.#sql.exec<{ until: number | null }>("SELECT MIN(until) AS until FROM taken").one().until;
    if (next !== null) {
      await this.ctx.storage.setAlarm(next);
    }
  }
}
