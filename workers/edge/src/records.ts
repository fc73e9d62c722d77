import type { Caller } from "./env";
import { EDGE, routeKey } from "./generated/contract";

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
  return { tenant: text(EDGE.BINDING_KEYS, record, "tenant"), key: text(EDGE.BINDING_KEYS, record, "key"), agents };
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
