import * as v from "valibot";
import { EDGE, hookKey, originPrefix, RATES } from "./generated/contract";
import { keptRecords } from "./kept";
import { amount, recordsOf, text } from "./kv-reader";

const limits = v.object({
  per_minute: v.exactOptional(amount, RATES.PER_MINUTE),
  burst: v.exactOptional(amount, RATES.BURST),
  streams: v.exactOptional(amount, RATES.STREAMS),
  tokens_month: v.exactOptional(amount),
  spend_month: v.exactOptional(amount),
  price_in: v.exactOptional(amount),
  price_out: v.exactOptional(amount),
});
const tenant = v.object({
  origins: v.exactOptional(v.array(text), []),
  limits: v.exactOptional(limits, {}),
});
const hook = v.object({
  tenant: text,
  agent: text,
  versions: v.array(v.pipe(v.number(), v.integer())),
  deliver_to: v.exactOptional(v.pipe(text, v.url())),
});

/** What a tenant has of its own: the web origins whose pages may use its keys, and its limits. */
export type Tenant = Readonly<v.InferOutput<typeof tenant>>;

/** Whose a webhook is, its agent, which versions of its secret are live, and where answers go that are not given at once. */
export type Hook = Readonly<v.InferOutput<typeof hook>>;

const tenants = recordsOf(EDGE.BINDING_TENANTS, tenant);
const hooks = recordsOf(EDGE.BINDING_TENANTS, hook);
/** Each tenant has a record of its own of an origin; that there is one is all that is asked. A list comes from no cache. */
const origins = keptRecords<true>(async (namespace, prefix) => {
  const { keys } = await namespace.list({ prefix, limit: 1 });
  return keys.length > 0 ? true : null;
});

/** What is said of a tenant. One of whom nothing is said has no origins and the platform's own limits. */
export async function readTenant(namespace: KVNamespace, name: string): Promise<Tenant> {
  return (await tenants(namespace, name)) ?? v.parse(tenant, {});
}

/** A webhook, or null when there is no such. */
export async function readHook(namespace: KVNamespace, id: string): Promise<Hook | null> {
  return await hooks(namespace, hookKey(id));
}

/** Whether some tenant has declared a web origin. */
export async function isDeclaredOrigin(namespace: KVNamespace, origin: string): Promise<boolean> {
  return (await origins(namespace, originPrefix(origin))) !== null;
}
