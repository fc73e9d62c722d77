import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { exportJWK, generateKeyPair } from "jose";
import type { Env } from "../env";
import { EDGE, PATHS, RATES, regionKey, routeKey, TOKEN } from "../generated/contract";
import worker from "../index";
import { apiKeyCheck, hashApiKey } from "../middleware/authenticate/api-key";

export const ACME_KEY = "mg_acme_000000000000000000000000000000000P65t5";
export const GLOBEX_KEY = "mg_globex_0123456789ABCDEFGHIJKLMNOPQRSTUV1zA542";
export const ORIGIN = "http://gateway.test";
export const PEPPER = "a pepper of the test's own";
const BINDINGS = env as unknown as Omit<Env, typeof EDGE.SECRET_PEPPER | typeof EDGE.SECRET_SIGNING_KEY>;
/** Limits no test of anything else comes near. */
const WIDE = { per_minute: RATES.MAX_PER_MINUTE, burst: RATES.MAX_PER_MINUTE, streams: RATES.MAX_PER_MINUTE };

/** An API key of a tenant's that nobody has, its check right. */
export function madeUpKey(tenant: string, seed: string): string {
  const text = `mg_${tenant}_${seed.padEnd(EDGE.API_KEY_RANDOM, "x")}`;
  return `${text}${apiKeyCheck(text)}`;
}

/** An edge with two tenants: acme's key reaches `helper` alone of its two agents, globex's all of its own. */
export async function edge(kid = "test-1"): Promise<{ env: Env; publicKey: CryptoKey }> {
  const { privateKey, publicKey } = await generateKeyPair("Ed25519", { extractable: true });
  const signingKey = { ...(await exportJWK(privateKey)), kid, alg: TOKEN.ALGORITHM };
  await put(BINDINGS.KEYS, await hashApiKey(PEPPER, ACME_KEY), { tenant: "acme", key: "k1", agents: ["helper"] });
  const all = [EDGE.ALL_AGENTS];
  await put(BINDINGS.KEYS, await hashApiKey(PEPPER, GLOBEX_KEY), { tenant: "globex", key: "k1", agents: all });
  for (const [tenant, agent] of [
    ["acme", "helper"],
    ["acme", "private"],
    ["globex", "analyst"],
  ] as const) {
    await put(BINDINGS.ROUTES, routeKey(tenant, agent), { regions: ["local"], state: EDGE.OPEN, model: "tiny" });
  }
  await put(BINDINGS.ROUTES, regionKey("local"), { origin: ORIGIN, state: EDGE.OPEN });
  const secrets = { [EDGE.SECRET_PEPPER]: PEPPER, [EDGE.SECRET_SIGNING_KEY]: JSON.stringify(signingKey) };
  for (const tenant of ["acme", "globex"]) {
    await put(BINDINGS.TENANTS, tenant, { limits: WIDE });
  }
  const namespaces = {
    KEYS: unread(BINDINGS.KEYS),
    ROUTES: unread(BINDINGS.ROUTES),
    TENANTS: unread(BINDINGS.TENANTS),
  };
  const asked = { [EDGE.BINDING_CLIENT_CERTIFICATES]: "asked for" };
  return { env: { ...BINDINGS, ...namespaces, ...secrets, ...asked }, publicKey };
}

/**
 * The same edge, its exact limiter not to be asked: a test that turns the clock by hand would run its object's timers where
 * they may not run.
 */
export function unlimited(own: Env): Env {
  const admit = async (): Promise<never> => await Promise.reject(new Error("not in this test"));
  return { ...own, LIMITER: { getByName: () => ({ admit }) } as unknown as Env["LIMITER"] };
}

/** A namespace of which nothing is in the Worker's memory yet. */
function unread(namespace: KVNamespace): KVNamespace {
  return new Proxy(namespace, {
    get: (target, property) => {
      const member: unknown = Reflect.get(target, property);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

export async function put(namespace: KVNamespace, key: string, record: unknown): Promise<void> {
  await namespace.put(key, JSON.stringify(record));
}

/** What a run of the Worker read of KV, in order: keys, which an edge must be allowed to cache, and listed prefixes with `*`. */
export function recordReads(target: Env): { env: Env; reads: string[] } {
  const reads: string[] = [];
  const spy = (namespace: KVNamespace): KVNamespace =>
    new Proxy(namespace, {
      get: (_, property) => {
        if (property === "list") {
          return async (options: KVNamespaceListOptions) => {
            reads.push(`${options.prefix}*`);
            return await namespace.list(options);
          };
        }
        if (property !== "get") {
          throw new Error(`the Worker used KV's ${String(property)}`);
        }
        return async (key: string, options: KVNamespaceGetOptions<"json">) => {
          if (options.cacheTtl !== EDGE.KV_CACHE_S) {
            throw new Error(`${key} was read with a cacheTtl of ${options.cacheTtl}`);
          }
          reads.push(key);
          return await namespace.get(key, options);
        };
      },
    });
  return {
    env: { ...target, KEYS: spy(target.KEYS), ROUTES: spy(target.ROUTES), TENANTS: spy(target.TENANTS) },
    reads,
  };
}

export interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly key?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** What Cloudflare says of the connection. */
  readonly cf?: object;
}

/** Sends one request to the Worker; acme's good chat unless told otherwise. Text and bytes go as they are, all else as JSON. */
export async function send(env: Env, ask: Ask = {}, context = createExecutionContext()): Promise<Response> {
  const body = ask.body ?? { model: "helper", messages: [] };
  const method = ask.method ?? "POST";
  const request = new Request(`https://api.example.test${ask.path ?? PATHS.CHAT_COMPLETIONS}`, {
    method,
    signal: ask.signal ?? null,
    ...(ask.cf === undefined ? {} : { cf: ask.cf }),
    headers: { authorization: `Bearer ${ask.key ?? ACME_KEY}`, ...ask.headers },
    ...(method === "GET" || method === "HEAD" ? {} : { body: isRaw(body) ? body : JSON.stringify(body) }),
  });
  return await worker.fetch(request as Parameters<typeof worker.fetch>[0], env, context);
}

function isRaw(body: unknown): body is string | Uint8Array {
  return typeof body === "string" || body instanceof Uint8Array;
}

/** Where a request goes, as `fetch` is told. */
export function urlOf(input: RequestInfo | URL): URL {
  return new URL(input instanceof Request ? input.url : input);
}

/** The only request the gateway got. */
export function forwarded(gateway: { readonly mock: { readonly calls: readonly unknown[][] } }): Request {
  const [call, ...more] = gateway.mock.calls;
  if (call === undefined || more.length > 0) {
    throw new Error(`the gateway got ${gateway.mock.calls.length} requests`);
  }
  return new Request(...(call as Parameters<typeof fetch>));
}

/** The code and param of an error answer, its shape checked. */
export async function refusal(response: Response): Promise<{ status: number; code: unknown; param: unknown }> {
  const { error } = await response.json<{ error: Record<string, unknown> }>();
  if (Object.keys(error).sort().join() !== "code,message,param,type") {
    throw new Error(`not OpenAI's error shape: ${Object.keys(error).join()}`);
  }
  return { status: response.status, code: error.code, param: error.param };
}
