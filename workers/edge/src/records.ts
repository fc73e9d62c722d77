import ipaddr from "ipaddr.js";
import * as v from "valibot";
import type { Caller, Range } from "./env";
import { certificateKey, EDGE, issuerKey, RATES, routeKey } from "./generated/contract";
import { recordsOf, text } from "./record";

const range = v.pipe(
  text,
  v.rawTransform(({ dataset, addIssue, NEVER }): Range => {
    try {
      return ipaddr.parseCIDR(dataset.value);
    } catch {
      addIssue();
      return NEVER;
    }
  }),
);
const amount = v.pipe(v.number(), v.minValue(0));
const keyLimits = v.object({
  per_minute: v.exactOptional(amount),
  burst: v.exactOptional(amount),
  streams: v.exactOptional(amount),
});
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
const caller = v.object({
  tenant: text,
  key: text,
  agents: v.array(text),
  models: v.exactOptional(v.array(text)),
  methods: v.exactOptional(v.array(v.picklist(EDGE.OPERATIONS))),
  expires: v.exactOptional(v.number()),
  cidrs: v.exactOptional(v.array(range)),
  limits: v.exactOptional(keyLimits),
});
const issuer = v.object({
  tenant: text,
  key: text,
  issuer: text,
  jwks: v.pipe(text, v.url()),
  algorithm: v.picklist(EDGE.JWT_ALGORITHMS),
  audience: text,
  scope_claim: text,
});

/** What a key or a certificate stands for: a caller, until when (Unix seconds), and from which addresses. */
export interface Credential extends Caller {
  readonly expires?: number;
  readonly cidrs?: readonly Range[];
}

/** What a tenant has of its own: the web origins whose pages may use its keys, and its limits. */
export type Tenant = Readonly<v.InferOutput<typeof tenant>>;

/** A signer of a tenant's tokens. */
export type Issuer = Readonly<v.InferOutput<typeof issuer>>;

const callers = recordsOf<Credential>(EDGE.BINDING_KEYS, caller);
const certificates = recordsOf<Credential>(EDGE.BINDING_TENANTS, caller);
const tenants = recordsOf(EDGE.BINDING_TENANTS, tenant);
const issuers = recordsOf(EDGE.BINDING_TENANTS, issuer);

/** The API key stored under `hash`, or null when there is none. */
export async function readCaller(keys: KVNamespace, hash: string): Promise<Credential | null> {
  return await callers(keys, hash);
}

/** The client certificate that the authority with this key identifier signed for `name`, or null when there is none. */
export async function readCertificate(
  tenants: KVNamespace,
  authority: string,
  name: string,
): Promise<Credential | null> {
  return await certificates(tenants, certificateKey(authority, name));
}

/** The issuer that calls itself `iss`, or null when no tenant has it. */
export async function readIssuer(tenants: KVNamespace, iss: string): Promise<Issuer | null> {
  return await issuers(tenants, issuerKey(iss));
}

/** What is said of a tenant. One of whom nothing is said has no origins and the platform's own limits. */
export async function readTenant(namespace: KVNamespace, name: string): Promise<Tenant> {
  return (await tenants(namespace, name)) ?? v.parse(tenant, {});
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
