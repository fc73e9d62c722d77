import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../env";
import { EDGE, PATHS, regionKey, routeKey } from "../generated/contract";
import { hashApiKey } from "../middleware/authenticate/api-key";
import { ACME_KEY, edge, GLOBEX_KEY, madeUpKey, put, recordReads, refusal, send } from "../testing/edge";

let env: Env;
const gateway = vi.spyOn(globalThis, "fetch");

beforeEach(async () => {
  ({ env } = await edge());
  gateway.mockReset();
});

async function listed(key: string, from: Env = env): Promise<string[]> {
  const response = await send(from, { method: "GET", path: PATHS.MODELS, key });
  expect(response.status).toBe(200);
  const { data } = await response.json<{ data: { id: string }[] }>();
  return data.map(({ id }) => id);
}

/** What acme's key opens from now on. */
async function opens(...agents: string[]): Promise<void> {
  await put(env.KEYS, await hashApiKey(env.KEY_PEPPER, ACME_KEY), { tenant: "acme", key: "k1", agents });
}

it("is OpenAI's list of models, and asks no agent", async () => {
  const response = await send(env, { method: "GET", path: PATHS.MODELS });
  expect(await response.json()).toEqual({
    object: "list",
    data: [{ id: "helper", object: "model", created: 0, owned_by: "acme" }],
  });
  expect(response.headers.get("content-type")).toMatch(/^application\/json/);
  expect(gateway).not.toHaveBeenCalled();
});

it("answers HEAD without a body", async () => {
  const response = await send(env, { method: "HEAD", path: PATHS.MODELS });
  expect(response.status).toBe(200);
  expect(await response.text()).toBe("");
});

it("is not for a key there is not", async () => {
  const { env: watched, reads } = recordReads(env);
  const response = await send(watched, { method: "GET", path: PATHS.MODELS, key: madeUpKey("acme", "z") });
  expect(await refusal(response)).toEqual({ status: 401, code: "invalid_api_key", param: null });
  expect(reads.filter((read) => !/^[0-9a-f]{64}$/.test(read))).toEqual([]);
});

describe("a key for some agents", () => {
  it("lists those of them that live somewhere, each once, by name", async () => {
    await opens("private", "none", "helper", "private");
    expect(await listed(ACME_KEY)).toEqual(["helper", "private"]);
  });

  it("reads no other agent's route", async () => {
    const { env: watched, reads } = recordReads(env);
    await listed(ACME_KEY, watched);
    expect(reads.filter((read) => read.includes("/"))).toEqual([routeKey("acme", "helper")]);
  });

  it("for none of them lists none", async () => {
    await opens();
    expect(await listed(ACME_KEY)).toEqual([]);
  });
});

describe("a key for some models", () => {
  it.each([["helper", "private"], [EDGE.ALL_AGENTS]])(
    "lists the agents that run one of them: %j",
    async (...agents) => {
      const record = { tenant: "acme", key: "k1", agents, models: ["large"] };
      await put(env.KEYS, await hashApiKey(env.KEY_PEPPER, ACME_KEY), record);
      await put(env.ROUTES, routeKey("acme", "private"), { regions: ["local"], state: EDGE.OPEN, model: "large" });
      expect(await listed(ACME_KEY)).toEqual(["private"]);
    },
  );

  it("lists none whose model nobody knows", async () => {
    await put(env.KEYS, await hashApiKey(env.KEY_PEPPER, ACME_KEY), {
      tenant: "acme",
      key: "k1",
      agents: [EDGE.ALL_AGENTS],
      models: ["tiny"],
    });
    await put(env.ROUTES, routeKey("acme", "private"), { regions: ["local"], state: EDGE.OPEN });
    expect(await listed(ACME_KEY)).toEqual(["helper"]);
  });
});

describe("a key for all agents", () => {
  beforeEach(async () => {
    await opens(EDGE.ALL_AGENTS);
  });

  it("lists its own tenant's, never those of one whose name begins like it", async () => {
    await put(env.ROUTES, routeKey("acme-2", "stranger"), { regions: ["local"], state: EDGE.OPEN });
    expect(await listed(ACME_KEY)).toEqual(["helper", "private"]);
    expect(await listed(GLOBEX_KEY)).toEqual(["analyst"]);
    await env.ROUTES.delete(routeKey("acme-2", "stranger"));
  });

  it("lists nothing for a tenant named as the regions' records are", async () => {
    const key = madeUpKey("region", "k");
    const record = { tenant: "region", key: "k1", agents: [EDGE.ALL_AGENTS] };
    await put(env.KEYS, await hashApiKey(env.KEY_PEPPER, key), record);
    expect(await env.ROUTES.get(regionKey("local"))).not.toBeNull();
    expect(await listed(key)).toEqual([]);
  });

  it("lists one new agent as soon as its route is there", async () => {
    await put(env.ROUTES, routeKey("acme", "another"), { regions: ["local"], state: EDGE.OPEN });
    expect(await listed(ACME_KEY)).toEqual(["another", "helper", "private"]);
    await env.ROUTES.delete(routeKey("acme", "another"));
  });

  it("lists page after page", async () => {
    const list = env.ROUTES.list.bind(env.ROUTES);
    const paged = vi.fn(async (options: KVNamespaceListOptions) => await list({ ...options, limit: 1 }));
    const routes = new Proxy(env.ROUTES, {
      get: (target, property) => (property === "list" ? paged : Reflect.get(target, property)),
    });
    expect(await listed(ACME_KEY, { ...env, ROUTES: routes })).toEqual(["helper", "private"]);
    expect(paged.mock.calls.length).toBeGreaterThan(1);
  });
});

describe("the list", () => {
  const list = (headers = {}) => send(env, { method: "GET", path: PATHS.MODELS, headers });

  it("may be kept by who asked, and by no one else", async () => {
    const { headers } = await list();
    expect(headers.get("cache-control")).toBe(`private, max-age=${EDGE.MODELS_CACHE_S}`);
    expect(headers.get("vary")).toMatch(/authorization.*origin/);
  });

  it("is not told again to who has it, and is when it has changed", async () => {
    await opens(EDGE.ALL_AGENTS);
    const tag = String((await list()).headers.get("etag"));
    const same = await list({ "if-none-match": tag });
    expect(same.status).toBe(304);
    expect(await same.text()).toBe("");
    // Its key opens `helper` alone, and nothing of it is in the Worker's memory.
    ({ env } = await edge());
    const changed = await list({ "if-none-match": tag });
    expect(changed.status).toBe(200);
    expect(changed.headers.get("etag")).not.toBe(tag);
  });

  it("is refused without a key whatever the client has", async () => {
    const tag = String((await list()).headers.get("etag"));
    const refused = await send(env, {
      method: "GET",
      path: PATHS.MODELS,
      key: "none",
      headers: { "if-none-match": tag },
    });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("cache-control")).toBe("no-store");
  });
});
