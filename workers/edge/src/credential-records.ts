import ipaddr from "ipaddr.js";
import * as v from "valibot";
import type { Caller, Range } from "./env";
import { certificateKey, EDGE, issuerKey } from "./generated/contract";
import { amount, recordsOf, text } from "./kv-reader";

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
const keyLimits = v.object({
  per_minute: v.exactOptional(amount),
  burst: v.exactOptional(amount),
  streams: v.exactOptional(amount),
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
