import { jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../env";
import { EDGE, HEADERS, PATHS, regionKey, routeKey } from "../generated/contract";
import { edge, forwarded, ORIGIN, put, refusal, send } from "../testing/edge";

const TOKEN_HOLDER = { issuer: "moltghost-edge", audience: "acme/helper" };
let env: Env;
let publicKey: CryptoKey;
let day = 0;
const gateway = vi.spyOn(globalThis, "fetch");

beforeEach(async () => {
  ({ env, publicKey } = await edge());
  // Each test later than whatever an earlier one made this isolate remember.
  day += 1;
  vi.useFakeTimers({ now: 1_800_000_000_000 + day * 86_400_000, toFake: ["Date"] });
  gateway.mockReset().mockImplementation(async () => Response.json({ status: "ready" }));
  await put(env.ROUTES, routeKey("acme", "helper"), { regions: ["local"], state: EDGE.OPEN, model: "tiny" });
});

afterEach(() => {
  vi.useRealTimers();
});

const later = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
const path = (agent: string) => `${PATHS.AGENTS}/${agent}/health`;
const ask = (agent = "helper", headers = {}) => send(env, { method: "GET", path: path(agent), headers });
const notReady = () =>
  Response.json(
    { error: { message: "m", type: "server_error", param: null, code: "agent_not_ready" } },
    { status: 503, headers: { [HEADERS.NOT_PASSED_ON]: "1" } },
  );

describe("an agent that is ready", () => {
  it("is said to be, with what it runs, for a few seconds", async () => {
    const response = await ask();
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ object: "agent.health", id: "helper", status: "ready", model: "tiny" });
    expect(response.headers.get("cache-control")).toBe(`private, max-age=${EDGE.HEALTH_CACHE_S}`);
    expect(response.headers.get("vary")).toMatch(/authorization.*origin/);
  });

  it("is asked of its region with a token for it alone", async () => {
    await ask();
    const request = forwarded(gateway);
    expect(request.url).toBe(`${ORIGIN}${PATHS.HEALTH}`);
    expect(request.method).toBe("GET");
    const token = String(request.headers.get(HEADERS.EDGE_TOKEN));
    const holder = { ...TOKEN_HOLDER, currentDate: new Date() };
    expect((await jwtVerify(token, publicKey, holder)).payload.tid).toBe("acme");
  });

  it("is asked again only when the answer is no longer good", async () => {
    await ask();
    later(EDGE.HEALTH_CACHE_S - 1);
    await ask();
    expect(gateway).toHaveBeenCalledOnce();
    later(1);
    gateway.mockImplementation(async () => notReady());
    expect((await refusal(await ask())).code).toBe("agent_not_ready");
    expect(gateway).toHaveBeenCalledTimes(2);
  });

  it("is not told again to who knows", async () => {
    const tag = (await ask()).headers.get("etag");
    expect(tag).toMatch(/^W\/"[0-9a-f]+"$/);
    const response = await ask("helper", { "if-none-match": String(tag) });
    expect(response.status).toBe(304);
    expect(response.headers.get("cache-control")).toBe(`private, max-age=${EDGE.HEALTH_CACHE_S}`);
    expect(response.headers.has(HEADERS.REQUEST_ID)).toBe(true);
  });

  it("answers HEAD", async () => {
    expect((await send(env, { method: "HEAD", path: path("helper") })).status).toBe(200);
  });
});

describe("an agent that is not", () => {
  it("is refused as a chat would be, with the time to ask again", async () => {
    gateway.mockImplementation(async () => notReady());
    const response = await ask();
    expect(response.headers.get("retry-after")).toBe(String(EDGE.HEALTH_CACHE_S));
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await refusal(response)).toEqual({ status: 503, code: "agent_not_ready", param: null });
    await ask();
    expect(gateway).toHaveBeenCalledOnce();
  });

  it.each([
    { name: "cannot be reached", answer: () => Promise.reject(new Error("Network connection lost.")) },
    { name: "is behind a tunnel that is down", answer: async () => new Response("error code: 1033", { status: 530 }) },
    { name: "is not what answers", answer: async () => new Response("<html>welcome</html>") },
    { name: "does not believe the edge", answer: async () => Response.json({ error: {} }, { status: 401 }) },
    { name: "says too much", answer: async () => new Response(`{"status":"ready"}${" ".repeat(2000)}`) },
  ])("for its region $name", async ({ answer }) => {
    gateway.mockImplementation(answer);
    expect(await refusal(await ask())).toEqual({ status: 502, code: "upstream_failed", param: null });
  });

  it("in one region may be in another", async () => {
    await put(env.ROUTES, regionKey("other"), { origin: "https://other.test", state: EDGE.OPEN });
    await put(env.ROUTES, routeKey("acme", "helper"), { regions: ["local", "other"], state: EDGE.OPEN });
    gateway.mockImplementation(async (request) =>
      (request as Request).url.startsWith(ORIGIN) ? notReady() : Response.json({ status: "ready" }),
    );
    expect((await ask()).status).toBe(200);
  });

  it("is closed: no region is asked", async () => {
    await put(env.ROUTES, routeKey("acme", "helper"), { regions: ["local"], state: EDGE.CLOSED });
    expect((await refusal(await ask())).code).toBe("agent_not_ready");
    expect(gateway).not.toHaveBeenCalled();
  });
});

describe("an agent the key may not reach", () => {
  it.each(["private", "analyst", "none", "globex%2Fanalyst", "Helper", "..%2Fhelper"])(
    "is answered as one there is not: %s",
    async (agent) => {
      expect(await refusal(await ask(agent))).toEqual({ status: 404, code: "model_not_found", param: null });
      expect(gateway).not.toHaveBeenCalled();
    },
  );

  it("is nobody's without a key", async () => {
    const response = await send(env, { method: "GET", path: path("helper"), key: "none" });
    expect((await refusal(response)).status).toBe(401);
  });
});

it.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])("refuses %s", async (method) => {
  const response = await send(env, { method, path: path("helper") });
  expect(response.status).toBe(405);
  expect(response.headers.get("allow")).toBe("GET, HEAD");
});
