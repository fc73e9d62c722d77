import ipaddr from "ipaddr.js";
import * as v from "valibot";
import type { Caller, Range } from "./env";
import { certificateKey, EDGE, issuerKey, routeKey } from "./generated/contract";
import { recordsOf } from "./record";

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

/** What a key or a certificate stands for: a caller, until when (Unix seconds), and from which addresses. */
export interface Credential extends Caller {
  readonly expires?: number;
  readonly cidrs?: readonly Range[];
}

/** A signer of a tenant's tokens. */
export type Issuer = Readonly<v.InferOutput<typeof issuer>>;

const callers = recordsOf<Credential>(EDGE.BINDING_KEYS, caller);
const certificates = recordsOf<Credential>(EDGE.BINDING_TENANTS, caller);
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
