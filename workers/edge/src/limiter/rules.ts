import { RATES } from "../generated/contract";

/** What a tenant may ask for. Money is in millionths: `price_*` of one token, `spend_month` in all. */
export interface Limits {
  readonly per_minute: number;
  readonly burst: number;
  readonly streams: number;
  readonly tokens_month?: number;
  readonly spend_month?: number;
  readonly price_in?: number;
  readonly price_out?: number;
}

/** What one key of a tenant may ask for beside that; what is missing is the tenant's. */
export type KeyLimits = Partial<Pick<Limits, "per_minute" | "burst" | "streams">>;

/** What a request was refused for. */
export type Reason = "rate" | "streams" | "quota";

/** One limit of a request: at most `limit` in use of the budget called `name`. */
export interface Rule {
  readonly name: string;
  readonly reason: Reason;
  readonly limit: number;
  /** A window's length in milliseconds. */
  readonly length?: number;
}

/** One request as the limiter sees it. */
export interface Ask {
  readonly tenant: string;
  readonly key: string;
  readonly limits: Limits;
  readonly own?: KeyLimits;
  /** How many shards the limits are parted among. */
  readonly shards: number;
  /** Of a stream: what it is called until its end. */
  readonly lease?: string;
  /** Whether it will use up tokens. */
  readonly metered: boolean;
}

/** Tokens an answer took. */
export interface Usage {
  readonly read: number;
  readonly made: number;
}

/** What an answer took, and the limits it counts against. */
export interface Taken extends Pick<Ask, "limits" | "shards"> {
  readonly usage: Usage;
}

export const MINUTE = 60_000;
export const SECOND = 1000;

/** How many limiter objects a tenant has. */
export function shardsOf(limits: Limits): number {
  return Math.min(RATES.SHARDS, Math.ceil(limits.per_minute / RATES.SHARD_PER_MINUTE));
}

/** The month asked for last: nearly every time is of the same as the one before. */
let latest = { from: 0, until: 0, name: "" };

/** The month of a time, as `2026-11`; months are those of UTC. */
export function monthOf(now: number): string {
  if (now < latest.from || now >= latest.until) {
    const date = new Date(now);
    const from = Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
    latest = { from, until: monthEnd(now), name: date.toISOString().slice(0, 7) };
  }
  return latest.name;
}

/** When the month of a time is over. */
export function monthEnd(now: number): number {
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

/** The windows admissions are counted in, of a tenant or of one of its keys. */
export function windowRules(scope: string, limits: KeyLimits): Rule[] {
  const { per_minute, burst } = limits;
  return [
    ...(per_minute === undefined ? [] : [rate(`minute${scope}`, per_minute, MINUTE)]),
    ...(burst === undefined ? [] : [rate(`second${scope}`, burst, SECOND)]),
  ];
}

/** Every limit a request must keep. */
export function rulesOf(ask: Ask, now: number): Rule[] {
  const { limits, own = {}, key } = ask;
  const rules = [...windowRules("", limits), ...windowRules(scopeOf(key), own)];
  if (ask.lease !== undefined) {
    rules.push({ name: "streams", reason: "streams", limit: limits.streams });
    if (own.streams !== undefined) {
      rules.push({ name: `streams${scopeOf(key)}`, reason: "streams", limit: own.streams });
    }
  }
  if (ask.metered) {
    rules.push(...monthRules(limits, now));
  }
  return rules;
}

/** What a key's own budgets are called after. */
export function scopeOf(key: string): string {
  return `/${key}`;
}

/** What an answer uses up of its month, by the name of the budget. */
export function costs(
  { read, made }: Usage,
  { price_in = 0, price_out = 0 }: Limits,
  month: string,
): [string, number][] {
  const spend = Math.ceil(read * price_in + made * price_out);
  return [
    [`tokens:${month}`, read + made],
    [`spend:${month}`, spend],
  ];
}

/** The quotas of a month. */
export function monthRules({ tokens_month, spend_month }: Limits, now: number): Rule[] {
  const quota = (name: string, limit: number): Rule => ({ name: `${name}:${monthOf(now)}`, reason: "quota", limit });
  return [
    ...(tokens_month === undefined ? [] : [quota("tokens", tokens_month)]),
    ...(spend_month === undefined ? [] : [quota("spend", spend_month)]),
  ];
}

function rate(name: string, limit: number, length: number): Rule {
  return { name, reason: "rate", limit, length };
}
