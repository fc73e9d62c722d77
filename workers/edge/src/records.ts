import type { Caller } from "./env";
import { EDGE, originKey, regionKey, routeKey } from "./generated/contract";
import type { Region } from "./regions";

/** A KV record that is not what the program writes; the message names the field, never its value. */
export class RecordError extends Error {}

/** The API key stored under `hash`, or null when there is none. */
export async function readCaller(keys: KVNamespace, hash: string): Promise<Caller | null> {
  const record = await read(keys, hash);
  if (record === null) {
    return null;
  }
  return {
    tenant: text(EDGE.BINDING_KEYS, record, "tenant"),
    key: text(EDGE.BINDING_KEYS, record, "key"),
    agents: texts(EDGE.BINDING_KEYS, record, "agents"),
  };
}

/** What the routing table says of an agent. */
export interface Route {
  /** Where it lives, the best first. */
  readonly regions: readonly string[];
  /** Whether it takes requests. */
  readonly open: boolean;
  /** What it runs, where that is said. */
  readonly model?: string;
}

/** What an agent's record says, or null when there is no such agent. */
export async function readRoute(routes: KVNamespace, tenant: string, agent: string): Promise<Route | null> {
  const record = await read(routes, routeKey(tenant, agent));
  if (record === null) {
    return null;
  }
  const model = record.model === undefined ? {} : { model: text(EDGE.BINDING_ROUTES, record, "model") };
  return { regions: texts(EDGE.BINDING_ROUTES, record, "regions"), open: isOpen(record), ...model };
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

/** A region that takes requests: the origin is scheme, host and port of its gateways. Null where it takes none. */
export async function readRegion(routes: KVNamespace, name: string): Promise<Region | null> {
  const record = (await read(routes, regionKey(name))) ?? {};
  const near = record.near === undefined ? [] : texts(EDGE.BINDING_ROUTES, record, "near");
  try {
    const { origin } = new URL(text(EDGE.BINDING_ROUTES, record, "origin"));
    return isOpen(record) ? { name, origin, near } : null;
  } catch {
    throw new RecordError(`${EDGE.BINDING_ROUTES}: the origin of region ${name} is missing or not a URL`);
  }
}

/** What a tenant has declared for itself at the edge. */
export interface Tenant {
  /** Web origins whose pages may use its keys. */
  readonly origins: readonly string[];
}

/** A tenant's record; one that declares nothing has none. */
export async function readTenant(tenants: KVNamespace, tenant: string): Promise<Tenant> {
  const record = (await read(tenants, tenant)) ?? {};
  return { origins: record.origins === undefined ? [] : texts(EDGE.BINDING_TENANTS, record, "origins") };
}

/** Whether some tenant has declared a web origin. */
export async function isDeclaredOrigin(tenants: KVNamespace, origin: string): Promise<boolean> {
  return (await read(tenants, originKey(origin))) !== null;
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

function texts(namespace: string, record: Record<string, unknown>, field: string): string[] {
  const value = record[field];
  if (!Array.isArray(value) || !value.every((each) => typeof each === "string")) {
    throw new RecordError(`${namespace}: ${field} is not a list of names`);
  }
  return value;
}

function isOpen(record: Record<string, unknown>): boolean {
  return record.state === EDGE.OPEN;
}
