import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../env";
import { EDGE, PATHS, regionKey, routeKey } from "../../generated/contract";
import { edge, forwarded, GLOBEX_KEY, ORIGIN, put, recordReads, refusal, send } from "../../testing/edge";

let env: Env;
const gateway = vi.spyOn(globalThis, "fetch");

beforeEach(async () => {
  ({ env } = await edge());
  gateway.mockReset().mockImplementation(async () => Response.json({}));
});

describe("an agent of the key's own tenant", () => {
  it.each(["helper", "acme/helper"])("is reached as %s", async (model) => {
    expect((await send(env, { body: { model } })).status).toBe(200);
    expect(forwarded(gateway).url).toBe(`${ORIGIN}${PATHS.CHAT_COMPLETIONS}`);
  });

  it("is reached by a key for all of them", async () => {
    expect((await send(env, { key: GLOBEX_KEY, body: { model: "analyst" } })).status).toBe(200);
  });

  it("is not found when the key is not for it", async () => {
    expect((await refusal(await send(env, { body: { model: "private" } }))).code).toBe("model_not_found");
  });
});

describe("an agent the key may not reach", () => {
  it.each([
    "analyst",
    "globex/analyst",
    "globex/helper",
    "globex/none",
    "none",
    "acme/none",
    "acme/helper/more",
    "/helper",
    "acme/",
    "../globex/analyst",
    "Helper",
    "region:local",
    "*",
    "a".repeat(64),
  ])("is answered as one that does not exist: %s", async (model) => {
    const other = await send(env, { body: { model } });
    const none = await send(env, { body: { model: "there-is-no-such-agent" } });
    expect(other.status).toBe(404);
    expect(await other.text()).toBe(await none.text());
    expect(gateway).not.toHaveBeenCalled();
  });

  it("costs the same work, whether another tenant has it or not", async () => {
    const work: number[] = [];
    for (const model of ["globex/analyst", "globex/none", "none", "private"]) {
      const { env: watched, reads } = recordReads(env);
      await send(watched, { body: { model } });
      work.push(reads.length);
      expect(reads.filter((read) => read.startsWith("globex"))).toEqual([]);
    }
    expect(new Set(work)).toEqual(new Set([3]));
  });
});

describe("a route", () => {
  it("is read once, and again when it is too old", async () => {
    const { env: watched, reads } = recordReads(env);
    const routes = () => reads.splice(0).filter((read) => /[/:]/.test(read));
    vi.useFakeTimers({ toFake: ["Date"] });
    await send(watched);
    expect(routes()).toEqual([routeKey("acme", "helper"), regionKey("local")]);
    await send(watched);
    expect(routes()).toEqual([]);
    vi.setSystemTime(Date.now() + EDGE.RECORD_MEMORY_S * 1000);
    await send(watched);
    expect(routes()).toEqual([routeKey("acme", "helper"), regionKey("local")]);
    vi.useRealTimers();
  });

  it("lives no longer than a minute in all", () => {
    expect(EDGE.KV_CACHE_S + EDGE.RECORD_MEMORY_S).toBeLessThanOrEqual(60);
  });

  it("to a region without an origin fails closed", async () => {
    await put(env.ROUTES, routeKey("acme", "helper"), { regions: ["nowhere"], state: EDGE.OPEN });
    expect((await send(env)).status).toBe(500);
  });

  it.each([{}, { origin: "" }, { origin: "not a URL" }, { origin: 1 }, { origin: ORIGIN, near: 1 }])(
    "to %j fails closed",
    async (record) => {
      await put(env.ROUTES, regionKey("local"), record);
      expect((await send(env)).status).toBe(500);
      expect(gateway).not.toHaveBeenCalled();
    },
  );

  it("keeps nothing of an origin but scheme, host and port", async () => {
    await put(env.ROUTES, regionKey("local"), {
      origin: "http://user:word@gateway.test:8443/admin?x=1",
      state: EDGE.OPEN,
    });
    await send(env);
    expect(forwarded(gateway).url).toBe(`http://gateway.test:8443${PATHS.CHAT_COMPLETIONS}`);
  });
});
