import ipaddr from "ipaddr.js";
import * as v from "valibot";
import type { Caller, Range } from "./env";
import { certificateKey, EDGE, issuerKey, regionKey, routeKey } from "./generated/contract";
import { keptRecords } from "./kept";

/** A KV record that is not what the program writes; the message names the field, never its value. */
export class RecordError extends Error {}

const text = v.pipe(v.string(), v.minLength(1));
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
const caller = v.object({
  tenant: text,
  key: text,
  agents: v.array(text),
  models: v.exactOptional(v.array(text)),
  methods: v.exactOptional(v.array(v.picklist(EDGE.OPERATIONS))),
  expires: v.exactOptional(v.number()),
  cidrs: v.exactOptional(v.array(range)),
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
const route = v.object({ region: text, model: v.exactOptional(text) });
const region = v.object({ origin: v.pipe(text, v.url()) });

/** What a key or a certificate stands for: a caller, until when (Unix seconds), and from which addresses. */
export interface Credential extends Caller {
  readonly expires?: number;
  readonly cidrs?: readonly Range[];
}

/** A signer of a tenant's tokens. */
export type Issuer = Readonly<v.InferOutput<typeof issuer>>;

/** Where an agent lives, and the model it runs. */
export type Route = Readonly<v.InferOutput<typeof route>>;

const callers = kept<Credential>(EDGE.BINDING_KEYS, caller);
const certificates = kept<Credential>(EDGE.BINDING_TENANTS, caller);
const issuers = kept(EDGE.BINDING_TENANTS, issuer);
const routes = kept(EDGE.BINDING_ROUTES, route);
const regions = kept(EDGE.BINDING_ROUTES, region);

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

/** An agent's route, or null when there is no such agent. */
export async function readRoute(namespace: KVNamespace, tenant: string, agent: string): Promise<Route | null> {
  return await routes(namespace, routeKey(tenant, agent));
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

/** The origin (scheme, host and port) of a region's gateway. */
export async function readOrigin(namespace: KVNamespace, name: string): Promise<string> {
  const record = await regions(namespace, regionKey(name));
  if (record === null) {
    throw new RecordError(`${EDGE.BINDING_ROUTES}: region ${name} is missing`);
  }
  return new URL(record.origin).origin;
}

/** Records of one shape, as they are or as they were at most the contract's time ago. */
function kept<T>(binding: string, schema: v.GenericSchema<unknown, T>) {
  return keptRecords<T>(async (namespace, key) => {
    const record: unknown = await namespace.get(key, { type: "json", cacheTtl: EDGE.KV_CACHE_S });
    if (record === null) {
      return null;
    }
    const result = v.safeParse(schema, record);
    if (!result.success) {
      const fields = new Set(result.issues.map((issue) => v.getDotPath(issue) ?? "the record"));
      throw new RecordError(`${binding}: ${[...fields].join(", ")} is missing or not what the program writes`);
    }
    return result.output;
  });
}
