import * as v from "valibot";
import { EDGE, hookKey, originKey, regionKey, routeKey } from "./generated/contract";
import { RecordError, recordsOf, text } from "./record";
import type { Region } from "./regions";

const state = v.picklist([EDGE.OPEN, EDGE.CLOSED]);
const route = v.object({ regions: v.array(text), state, model: v.exactOptional(text) });
const region = v.object({ origin: v.pipe(text, v.url()), state, near: v.exactOptional(v.array(text), []) });
const hook = v.object({
  tenant: text,
  agent: text,
  versions: v.array(v.pipe(v.number(), v.integer())),
  deliver_to: v.exactOptional(v.pipe(text, v.url())),
});

/** Where an agent lives, the best region first, whether it takes requests, and the model it runs. */
export type Route = Readonly<v.InferOutput<typeof route>>;

/** Whose a webhook is, its agent, which versions of its secret are live, and where answers go that are not given at once. */
export type Hook = Readonly<v.InferOutput<typeof hook>>;

const hooks = recordsOf(EDGE.BINDING_TENANTS, hook);
const routes = recordsOf(EDGE.BINDING_ROUTES, route);
const regions = recordsOf(EDGE.BINDING_ROUTES, region);
const origins = recordsOf(EDGE.BINDING_TENANTS, v.object({}));

/** An agent's route, or null when there is no such agent. */
export async function readRoute(namespace: KVNamespace, tenant: string, agent: string): Promise<Route | null> {
  return await routes(namespace, routeKey(tenant, agent));
}

/** A region that takes requests, its origin no more than scheme, host and port; null where it takes none. */
export async function readRegion(namespace: KVNamespace, name: string): Promise<Region | null> {
  const record = await regions(namespace, regionKey(name));
  if (record === null) {
    throw new RecordError(`${EDGE.BINDING_ROUTES}: region ${name} is missing`);
  }
  const { origin, near } = record;
  return record.state === EDGE.OPEN ? { name, origin: new URL(origin).origin, near } : null;
}

/** A webhook, or null when there is no such. */
export async function readHook(namespace: KVNamespace, id: string): Promise<Hook | null> {
  return await hooks(namespace, hookKey(id));
}

/** Whether some tenant has declared a web origin. */
export async function isDeclaredOrigin(namespace: KVNamespace, origin: string): Promise<boolean> {
  return (await origins(namespace, originKey(origin))) !== null;
}
