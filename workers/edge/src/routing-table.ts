import * as v from "valibot";
import { EDGE, regionKey, routeKey } from "./generated/contract";
import { RecordError, recordsOf, text } from "./kv-reader";
import type { Region } from "./regions";

const state = v.picklist([EDGE.OPEN, EDGE.CLOSED]);
const route = v.object({ regions: v.array(text), state, model: v.exactOptional(text) });
/** No more than scheme, host and port. */
const origin = v.pipe(
  text,
  v.url(),
  v.transform((url) => new URL(url).origin),
);
const region = v.object({ origin, state, near: v.exactOptional(v.array(text), []) });

/** Where an agent lives, the best region first, whether it takes requests, and the model it runs. */
export type Route = Readonly<v.InferOutput<typeof route>>;

const routes = recordsOf(EDGE.BINDING_ROUTES, route);
const regions = recordsOf(EDGE.BINDING_ROUTES, region);

/** An agent's route, or null when there is no such agent. */
export async function readRoute(namespace: KVNamespace, tenant: string, agent: string): Promise<Route | null> {
  return await routes(namespace, routeKey(tenant, agent));
}

/** A region that takes requests; null where it takes none. */
export async function readRegion(namespace: KVNamespace, name: string): Promise<Region | null> {
  const record = await regions(namespace, regionKey(name));
  if (record === null) {
    throw new RecordError(`${EDGE.BINDING_ROUTES}: region ${name} is missing`);
  }
  const { origin, near } = record;
  return record.state === EDGE.OPEN ? { name, origin, near } : null;
}

/** All agents of a tenant, by name. A list comes from no cache, unlike every read. */
export async function listAgents(namespace: KVNamespace, tenant: string): Promise<string[]> {
  const prefix = routeKey(tenant, "");
  const agents: string[] = [];
  let cursor: string | null = null;
  do {
    const page: KVNamespaceListResult<unknown> = await namespace.list({ prefix, cursor });
    agents.push(...page.keys.map((key) => key.name.slice(prefix.length)));
    cursor = page.list_complete ? null : page.cursor;
  } while (cursor !== null);
  return agents;
}
