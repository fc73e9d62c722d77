import { isObject } from "./body";
import type { Caller } from "./env";
import { EDGE, RATES, routeKey } from "./generated/contract";
import type { KeyLimits, Limits } from "./limiter/rules";

const KEY_LIMITS = ["per_minute", "burst", "streams"] as const satisfies readonly (keyof KeyLimits)[];
const LIMITS = [
  ...KEY_LIMITS,
  "tokens_month",
  "spend_month",
  "price_in",
  "price_out",
] as const satisfies readonly (keyof Limits)[];

/** A KV record that is not what the program writes; the message names the field, never its value. */
export class RecordError extends Error {}

/** The API key stored under `hash`, or null when there is none. */
export async function readCaller(keys: KVNamespace, hash: string): Promise<Caller | null> {
  const record = await read(keys, hash);
  if (record === null) {
    return null;
  }
  const agents = record.agents;
  if (!Array.isArray(agents) || !agents.every((agent) => typeof agent === "string")) {
    throw new RecordError(`${EDGE.BINDING_KEYS}: agents is not a list of names`);
  }
  const limits = record.limits === undefined ? {} : { limits: amounts(EDGE.BINDING_KEYS, record.limits, KEY_LIMITS) };
  return {
    tenant: text(EDGE.BINDING_KEYS, record, "tenant"),
    key: text(EDGE.BINDING_KEYS, record, "key"),
    agents,
    ...limits,
  };
}

/** What is said of a tenant. One of whom nothing is said has the platform's own limits. */
export async function readTenant(tenants: KVNamespace, tenant: string): Promise<{ readonly limits: Limits }> {
  const record = await read(tenants, tenant);
  const own = record?.limits === undefined ? {} : amounts(EDGE.BINDING_TENANTS, record.limits, LIMITS);
  return { limits: { per_minute: RATES.PER_MINUTE, burst: RATES.BURST, streams: RATES.STREAMS, ...own } };
}

/** All agents of a tenant, by name. A list comes from no cache, unlike every read. */
export async function listAgents(routes: KVNamespace, tenant: string): Promise<string[]> {
  const prefix = routeKey(tenant, "");
  const agents: string[] = [];
  let cursor: string | null = null;
  do {
    const page: KVNamespaceListResult<unknown> = await routes.list({ prefix, cursor });
    agents.push(...page.keys.map((key) => key.name.slice(prefix.length)));
    cursor = page.list_complete ? null : page.cursor;
  } while (cursor !== null);
  return agents;
}

/** The named fields of `limits` that are there, each a number of zero or more. */
function amounts<T extends string>(
  namespace: string,
  limits: unknown,
  names: readonly T[],
): Partial<Record<T, number>> {
  const found: Partial<Record<T, number>> = {};
  for (const name of names) {
    const value = isObject(limits) ? limits[name] : null;
    if (value === undefined) {
      continue;
    }
    if (typeof value !== "number" || !(value >= 0)) {
      throw new RecordError(`${namespace}: limits.${name} is not a number of zero or more`);
    }
    found[name] = value;
  }
  return found;
}

async function read(namespace: KVNamespace, key: string): Promise<Record<string, unknown> | null> {
  return await namespace.get<Record<string, unknown>>(key, { type: "json", cacheTtl: EDGE.KV_CACHE_S });
}

function text(namespace: string, record: Record<string, unknown>, field: string): string {
  const value = record[field];
  if (typeof value !== "string" || value === "") {
    throw new RecordError(`${namespace}: ${field} is missing`);
  }
  return value;
}
