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

/** A shard's journal in its object's own SQLite. Nothing is answered before what was written is safe: the runtime sees to it. */
export class SqlJournal implements Journal {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  admitted(at: number, key: string): void {
    this.#sql.exec("INSERT INTO admitted VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET n = n + 1", at, key);
  }

  held(lease: string, key: string, until: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO held VALUES (?, ?, ?)", lease, key, until);
  }

  ended(lease: string): void {
    this.#sql.exec("DELETE FROM held WHERE lease = ?", lease);
  }

  spent(name: string, amount: number): void {
    this.#sql.exec(
      "INSERT INTO spent VALUES (?, ?) ON CONFLICT DO UPDATE SET amount = amount + ?",
      name,
      amount,
      amount,
    );
  }

  moved(name: string, other: number, { given, got }: Moved): void {
    this.#sql.exec("INSERT OR REPLACE INTO moved VALUES (?, ?, ?, ?)", name, other, given, got);
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
}

type Admitted = { at: number; key: string; n: number };
type Held = { lease: string; key: string; until: number };
type Spent = { name: string; amount: number };
type Move = { name: string; other: number; given: number; got: number };
