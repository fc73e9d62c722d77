import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Miniflare, type WorkerOptions } from "miniflare";
import { BUNDLE } from "../build.mjs";
import { EDGE, HOOKS, hookKey, originKey, RATES, regionKey, routeKey } from "../src/generated/contract.ts";

export const ACME_KEY = "mg_acme_000000000000000000000000000000000P65t5";
export const GLOBEX_KEY = "mg_globex_0123456789ABCDEFGHIJKLMNOPQRSTUV1zA542";
export const ACME_ORIGIN = "https://app.acme.test";
export const PEPPER = "a pepper of the test's own";

/** The bundle, deployed to a runtime on loopback with two tenants: acme has `helper`, globex has `analyst`. */
export interface Deployed {
  readonly url: URL;
  readonly publicKey: KeyObject;
  /** Writes a record of a namespace; null takes it out. */
  put(namespace: string, key: string, record: object | null): Promise<void>;
  stop(): Promise<void>;
}

/** Limits that no load of a test's or a bench's comes near. */
export const WIDE = { per_minute: 1_000_000, burst: 1_000_000, streams: 1_000_000 };

/** Both agents live in the regions of `origins`, the first preferred; both tenants have the platform's own limits. */
export async function deploy(...origins: string[]): Promise<Deployed> {
  return await deployWith({}, ...origins);
}

/** The same, with `limits` for both tenants. */
export async function deployWith(limits: object, ...origins: string[]): Promise<Deployed> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const own = await options(privateKey);
  const bindings = { ...own.bindings, [EDGE.BINDING_CLIENT_CERTIFICATES]: "asked for" };
  const miniflare = new Miniflare({ ...RUNTIME, ...own, bindings });
  const url = await miniflare.ready;
  await seed(miniflare, origins, limits);
  const put = async (namespace: string, key: string, record: object | null): Promise<void> => {
    const { put, delete: remove } = await miniflare.getKVNamespace(namespace);
    await (record === null ? remove(key) : put(key, JSON.stringify(record)));
  };
  return { url, publicKey, put, stop: async () => await miniflare.dispose() };
}

/** A runtime that reports nothing and logs nothing. */
export const RUNTIME = {
  host: "127.0.0.1",
  port: 0,
  cf: false,
  telemetry: { enabled: false },
  handleStructuredLogs: () => undefined,
} as const;

/** The bundle with all it is bound to where no client certificates are asked for. */
export async function options(privateKey: KeyObject): Promise<WorkerOptions> {
  return {
    modules: [{ type: "ESModule", path: "index.js", contents: await readFile(BUNDLE, "utf8") }],
    compatibilityDate: EDGE.COMPATIBILITY_DATE,
    compatibilityFlags: [...EDGE.COMPATIBILITY_FLAGS],
    kvNamespaces: [EDGE.BINDING_KEYS, EDGE.BINDING_ROUTES, EDGE.BINDING_TENANTS],
    durableObjects: {
      [HOOKS.BINDING_LEDGER]: { className: HOOKS.LEDGER_CLASS, useSQLite: true },
      [HOOKS.BINDING_OUTBOX]: { className: HOOKS.OUTBOX_CLASS, useSQLite: true },
      [RATES.BINDING_LIMITER]: { className: RATES.LIMITER_CLASS, useSQLite: true },
    },
    ratelimits: Object.fromEntries(
      RATES.WALLS.map(([name, limit]) => [
        name,
        { namespace_id: name, simple: { limit, period: RATES.WALL_PERIOD_S } },
      ]),
    ),
    bindings: secrets(privateKey),
  };
}

/** The Worker's secrets, and so its objects'. */
export function secrets(privateKey: KeyObject): Record<string, string> {
  const jwk = { ...privateKey.export({ format: "jwk" }), kid: "test-1", alg: "EdDSA", use: "sig" };
  return { [EDGE.SECRET_PEPPER]: PEPPER, [EDGE.SECRET_SIGNING_KEY]: JSON.stringify(jwk) };
}

/** Tells the edge of its two tenants; `limits` are those of both, `own` those of acme's key, `worker` which of several is bound to what it reads. */
export async function seed(
  miniflare: Miniflare,
  origins: string[],
  limits = {},
  own = {},
  worker?: string,
): Promise<void> {
  const keys = await miniflare.getKVNamespace(EDGE.BINDING_KEYS, worker);
  const routes = await miniflare.getKVNamespace(EDGE.BINDING_ROUTES, worker);
  await keys.put(hash(ACME_KEY), JSON.stringify({ tenant: "acme", key: "default", agents: ["helper"], limits: own }));
  await keys.put(hash(GLOBEX_KEY), JSON.stringify({ tenant: "globex", key: "default", agents: [EDGE.ALL_AGENTS] }));
  const tenants = await miniflare.getKVNamespace(EDGE.BINDING_TENANTS, worker);
  for (const tenant of ["acme", "globex"]) {
    await tenants.put(tenant, JSON.stringify({ limits, origins: tenant === "acme" ? [ACME_ORIGIN] : [] }));
  }
  await tenants.put(originKey(ACME_ORIGIN, "acme"), "{}");
  await tenants.put(hookKey("crm"), JSON.stringify({ tenant: "acme", agent: "helper", versions: [1] }));
  const regions = origins.map((_, at) => `region-${at}`);
  await routes.put(routeKey("acme", "helper"), JSON.stringify({ regions, state: EDGE.OPEN, model: "tiny" }));
  await routes.put(routeKey("globex", "analyst"), JSON.stringify({ regions, state: EDGE.OPEN, model: "tiny" }));
  for (const [at, origin] of origins.entries()) {
    await routes.put(regionKey(`region-${at}`), JSON.stringify({ origin, state: EDGE.OPEN }));
  }
}

/** The only form of a key the edge knows. */
export function hash(key: string): string {
  return createHmac("sha256", PEPPER).update(key).digest("hex");
}
