import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Miniflare, type WorkerOptions } from "miniflare";
import { BUNDLE, bundle } from "../build.mjs";
import { EDGE, RATES, regionKey, routeKey } from "../src/generated/contract";

export const ACME_KEY = "mg_acme_0123456789abcdefghijklmnopqrstuv";
export const GLOBEX_KEY = "mg_globex_0123456789abcdefghijklmnopqrst";
const PEPPER = "a pepper of the test's own";

/** The bundle, deployed to a runtime on loopback with two tenants: acme has `helper`, globex has `analyst`. */
export interface Deployed {
  readonly url: URL;
  readonly publicKey: KeyObject;
  stop(): Promise<void>;
}

export async function deploy(origin: string): Promise<Deployed> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const miniflare = new Miniflare({ ...RUNTIME, ...(await options(privateKey)) });
  const url = await miniflare.ready;
  await seed(miniflare, origin);
  return { url, publicKey, stop: async () => await miniflare.dispose() };
}

/** A runtime that reports nothing and logs nothing. */
export const RUNTIME = {
  host: "127.0.0.1",
  port: 0,
  cf: false,
  telemetry: { enabled: false },
  handleStructuredLogs: () => undefined,
} as const;

/** The bundle with all it is bound to. */
export async function options(privateKey: KeyObject): Promise<WorkerOptions> {
  await bundle();
  return {
    modules: [{ type: "ESModule", path: "index.js", contents: await readFile(BUNDLE, "utf8") }],
    compatibilityDate: EDGE.COMPATIBILITY_DATE,
    compatibilityFlags: [...EDGE.COMPATIBILITY_FLAGS],
    kvNamespaces: [EDGE.BINDING_KEYS, EDGE.BINDING_ROUTES, EDGE.BINDING_TENANTS],
    durableObjects: { [RATES.BINDING_LIMITER]: { className: RATES.LIMITER_CLASS, useSQLite: true } },
    ratelimits: Object.fromEntries(
      RATES.WALLS.map(([name, limit]) => [
        name,
        { namespace_id: name, simple: { limit, period: RATES.WALL_PERIOD_S } },
      ]),
    ),
    bindings: {
      [EDGE.SECRET_PEPPER]: PEPPER,
      [EDGE.SECRET_SIGNING_KEY]: JSON.stringify({
        ...privateKey.export({ format: "jwk" }),
        kid: "test-1",
        alg: "EdDSA",
        use: "sig",
      }),
    },
  };
}

/** Tells the edge of its two tenants; `limits` are those of both, `own` those of acme's key, `worker` which of several is bound to what it reads. */
export async function seed(
  miniflare: Miniflare,
  origin: string,
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
    await tenants.put(tenant, JSON.stringify({ limits }));
  }
  await routes.put(routeKey("acme", "helper"), JSON.stringify({ region: "local" }));
  await routes.put(routeKey("globex", "analyst"), JSON.stringify({ region: "local" }));
  await routes.put(regionKey("local"), JSON.stringify({ origin }));
}

function hash(key: string): string {
  return createHmac("sha256", PEPPER).update(key).digest("hex");
}
