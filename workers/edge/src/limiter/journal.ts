import type { Journal } from "./keeper";
import { MINUTE, monthOf, SECOND, scopeOf } from "./rules";
import type { Moved, Shard } from "./shard";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS admitted (at INTEGER, key TEXT, n INTEGER NOT NULL, PRIMARY KEY (at, key)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS held (lease TEXT PRIMARY KEY, key TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS spent (name TEXT PRIMARY KEY, amount INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS moved (name TEXT, other INTEGER, given INTEGER NOT NULL, got INTEGER NOT NULL,
    PRIMARY KEY (name, other)) WITHOUT ROWID;
`;

/** Longest that something is not written, in milliseconds. */
const UNWRITTEN_MS = 100;

/**
 * A shard's journal in its object's own SQLite.
 *
 * What moves between shards is written before it is answered: it must not be given twice. All else is written together,
 * a moment later: to wait for the disk at each request would be most of what a request costs.
 */
export class SqlJournal implements Journal {
  readonly #sql: SqlStorage;
  #admitted = new Map<string, { at: number; n: number }>();
  #spent = new Map<string, number>();
  #more: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  admitted(at: number, key: string, unwritten: number): void {
    // Those that are written together count as admitted with the last of them: that is never too early.
    const n = (this.#admitted.get(key)?.n ?? 0) + 1;
    this.#admitted.set(key, { at, n });
    if (n > unwritten) {
      this.write();
    } else {
      this.#writeSoon();
    }
  }

  held(lease: string, key: string, until: number): void {
    this.#later("INSERT OR REPLACE INTO held VALUES (?, ?, ?)", lease, key, until);
  }

  ended(lease: string): void {
    this.#later("DELETE FROM held WHERE lease = ?", lease);
  }

  spent(name: string, amount: number): void {
    this.#spent.set(name, (this.#spent.get(name) ?? 0) + amount);
    this.#writeSoon();
  }

  moved(name: string, other: number, { given, got }: Moved): void {
    this.#sql.exec("INSERT OR REPLACE INTO moved VALUES (?, ?, ?, ?)", name, other, given, got);
  }

  /** Writes what is not written yet; the runtime makes one transaction of it. */
  write(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
    }
    this.#timer = null;
    for (const [key, { at, n }] of this.#admitted) {
      this.#sql.exec("INSERT INTO admitted VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + ?", at, key, n, n);
    }
    this.#admitted = new Map();
    for (const [name, amount] of this.#spent) {
      const add = "INSERT INTO spent VALUES (?, ?) ON CONFLICT DO UPDATE SET amount = amount + ?";
      this.#sql.exec(add, name, amount, amount);
    }
    this.#spent = new Map();
    for (const write of this.#more.splice(0)) {
      write();
    }
  }

  /** Brings a new shard to where the last one stopped. */
  replay(shard: Shard): void {
    for (const { at, key, n } of this.#sql.exec<Admitted>("SELECT at, key, n FROM admitted ORDER BY at")) {
      for (const scope of key === "" ? [""] : ["", scopeOf(key)]) {
        for (let count = 0; count < n; count += 1) {
          shard.window(`minute${scope}`, MINUTE).note(at);
          shard.window(`second${scope}`, SECOND).note(at);
        }
      }
    }
    for (const { lease, key, until } of this.#sql.exec<Held>("SELECT lease, key, until FROM held")) {
      for (const scope of key === "" ? [""] : ["", scopeOf(key)]) {
        shard.leases(`streams${scope}`).hold(lease, until);
      }
    }
    for (const { name, amount } of this.#sql.exec<Spent>("SELECT name, amount FROM spent")) {
      shard.spent(name).note(amount);
    }
    for (const { name, other, given, got } of this.#sql.exec<Move>("SELECT name, other, given, got FROM moved")) {
      Object.assign(shard.moved(name, other), { given, got });
    }
  }

  /** Forgets what no longer counts. Whether anything is left that will be over in time. */
  prune(now: number): boolean {
    this.write();
    const month = monthOf(now);
    this.#sql.exec("DELETE FROM admitted WHERE at <= ?", now - MINUTE);
    this.#sql.exec("DELETE FROM held WHERE until <= ?", now);
    this.#sql.exec("DELETE FROM spent WHERE name NOT LIKE ?", `%:${month}`);
    const months = "(name LIKE 'tokens:%' OR name LIKE 'spend:%')";
    this.#sql.exec(`DELETE FROM moved WHERE ${months} AND name NOT LIKE ?`, `%:${month}`);
    const { left } = this.#sql
      .exec<{ left: number }>("SELECT EXISTS (SELECT 1 FROM admitted) OR EXISTS (SELECT 1 FROM held) AS left")
      .one();
    return left === 1;
  }

  #later(statement: string, ...values: (string | number)[]): void {
    this.#more.push(() => this.#sql.exec(statement, ...values));
    this.#writeSoon();
  }

  #writeSoon(): void {
    this.#timer ??= setTimeout(() => this.write(), UNWRITTEN_MS);
  }
}

type Admitted = { at: number; key: string; n: number };
type Held = { lease: string; key: string; until: number };
type Spent = { name: string; amount: number };
type Move = { name: string; other: number; given: number; got: number };
