import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../env";
import { RATES, shardName } from "../generated/contract";
import { edge } from "../testing/edge";
import { ask as request } from "../testing/tenant";
import { type Admitted, admit, shardOf } from "./client";
import type { Limiter } from "./object";
import { type Ask, MINUTE, SECOND } from "./rules";

const NOTHING = { read: 0, made: 0 };
/** Two places whose requests meet different shards of two. */
const [HERE, THERE] = ["SIN", "FRA"] as const;
/** An alarm that lies in the past would ring by itself. */
const START = Date.UTC(2100, 5, 15);
/** Requests at once: a test's machine may be slow. */
const AT_ONCE = 50;

let env: Env;
let tenants = 0;
let tenant: string;

beforeEach(async () => {
  ({ env } = await edge());
  tenants += 1;
  tenant = `object-${tenants}`;
  vi.useFakeTimers({ now: START, toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

function shard(index: number): DurableObjectStub<Limiter> {
  return env[RATES.BINDING_LIMITER].getByName(shardName(tenant, String(index)));
}

function ask(limits: Partial<Ask["limits"]>, more: Partial<Ask> = {}): Ask {
  return request(limits, { tenant, ...more });
}

/** How many of so many requests are let through. */
async function count(times: number, what: Ask, place: string = HERE): Promise<number> {
  let through = 0;
  for (let left = times; left > 0; left -= AT_ONCE) {
    const some = Array.from({ length: Math.min(left, AT_ONCE) }, async () => await admit(env, what, place, "r"));
    through += (await Promise.all(some)).filter(({ verdict }) => verdict.refused === undefined).length;
  }
  return through;
}

async function admitted(what: Ask, place: string = HERE): Promise<Admitted | undefined> {
  return (await admit(env, what, place, "r")).admitted;
}

function rows(index: number): Promise<Record<string, number>> {
  return runInDurableObject(shard(index), (_, state) => {
    const size = (table: string): number =>
      state.storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n;
    return { admitted: size("admitted"), held: size("held"), spent: size("spent"), moved: size("moved") };
  });
}

it("the two places meet different shards", () => {
  expect(new Set([shardOf(HERE, 2), shardOf(THERE, 2)]).size).toBe(2);
});

describe("over two places", () => {
  it("a tenant gets exactly its limit, whichever asks how much", async () => {
    const what = ask({ per_minute: 60, burst: 60 }, { shards: 2 });
    const [here, there] = await Promise.all([count(50, what, HERE), count(20, what, THERE)]);
    expect(here + there).toBe(60);
    expect(there).toBeGreaterThan(0);
    vi.setSystemTime(START + MINUTE - 1);
    expect(await count(5, what, THERE)).toBe(0);
    vi.setSystemTime(START + MINUTE);
    expect(await count(70, what, THERE)).toBe(60);
  });

  it("streams are counted together", async () => {
    const limits = { streams: 4 };
    const held = await Promise.all(
      [HERE, HERE, HERE, THERE].map((place, n) => admitted(ask(limits, { shards: 2, lease: `s${n}` }), place)),
    );
    expect(held.every((one) => one !== undefined)).toBe(true);
    const more = ask(limits, { shards: 2, lease: "more" });
    expect((await admit(env, more, THERE, "r")).verdict).toMatchObject({ refused: "streams", retryMs: SECOND });
    await held[0]?.settle(NOTHING);
    expect(await admitted(more, THERE)).toBeDefined();
  });
});

it("what answers took in one moment is used up together", async () => {
  const what = ask({ tokens_month: 30 });
  const [first, ...more] = await Promise.all([admitted(what), admitted(what), admitted(what)]);
  const told = first?.settle({ read: 10, made: 0 });
  await Promise.all(more.map(async (one) => await one?.settle({ read: 8, made: 2 })));
  expect((await admit(env, what, HERE, "r")).verdict.refused).toBeUndefined();
  await told;
  expect((await admit(env, what, HERE, "r")).verdict.refused).toBe("quota");
});

it("the next admission brings what answers took, and counts it first", async () => {
  const what = ask({ tokens_month: 30 });
  const [first, second] = await Promise.all([admitted(what), admitted(what)]);
  const told = Promise.all([first?.settle({ read: 10, made: 0 }), second?.settle({ read: 18, made: 2 })]);
  vi.setSystemTime(START + 50);
  expect((await admit(env, what, HERE, "r")).verdict.refused).toBe("quota");
  await told;
});

it("what an admission could not bring is brought by the next", async () => {
  const what = ask({ tokens_month: 10 });
  const told = (await admitted(what))?.settle({ read: 10, made: 0 });
  vi.setSystemTime(START + 50);
  const down = { admit: async () => await Promise.reject(new Error("gone")) };
  const broken = { ...env, [RATES.BINDING_LIMITER]: { getByName: () => down } } as unknown as Env;
  await expect(admit(broken, what, HERE, "r")).rejects.toThrow("gone");
  vi.setSystemTime(START + 100);
  expect((await admit(env, what, HERE, "r")).verdict.refused).toBe("quota");
  await told;
});

describe("an object that starts anew", () => {
  it("still knows what was let through, held, used and moved", async () => {
    const what = ask({ per_minute: 10, tokens_month: 100 }, { own: { per_minute: 4 }, lease: "s1", shards: 2 });
    const first = await admitted(what);
    await admit(env, { ...what, lease: "s2" }, HERE, "r");
    await admit(env, { ...what, lease: "s3" }, HERE, "r");
    await first?.settle({ read: 60, made: 30 });
    const written = { admitted: 1, held: 2, spent: 1 };
    await vi.waitFor(async () => expect(await rows(shardOf(HERE, 2))).toMatchObject(written));
    const before = await rows(shardOf(HERE, 2));
    await abortAllDurableObjects();
    expect(await rows(shardOf(HERE, 2))).toEqual(before);
    expect(await count(5, ask({ per_minute: 10 }, { own: { per_minute: 4 }, shards: 2 }))).toBe(1);
    const one = await admitted({ ...what, own: {}, lease: "s4" }, THERE);
    await one?.settle({ read: 10, made: 0 });
    expect((await admit(env, what, THERE, "r")).verdict.refused).toBe("quota");
  });

  it("takes the end of a request that it let through before", async () => {
    const what = ask({ streams: 1, tokens_month: 10 }, { lease: "s1" });
    const first = await admitted(what);
    await vi.waitFor(async () => expect(await rows(0)).toMatchObject({ held: 1 }));
    await abortAllDurableObjects();
    await first?.renew();
    expect((await admit(env, { ...what, lease: "s2" }, HERE, "r")).verdict.refused).toBe("streams");
    await first?.settle({ read: 9, made: 0 });
    await first?.settle({ read: 9, made: 0 });
    const second = await admitted({ ...what, lease: "s2" });
    expect(second).toBeDefined();
    await second?.settle({ read: 1, made: 0 });
    expect((await admit(env, what, HERE, "r")).verdict.refused).toBe("quota");
  });

  it.each([0, 1])("takes what answers took that it let through before, held or not", async (before) => {
    const what = ask({ tokens_month: 10 });
    await count(before, what);
    const last = await admitted(what);
    await abortAllDurableObjects();
    await last?.settle({ read: 10, made: 0 });
    expect((await admit(env, what, HERE, "r")).verdict.refused).toBe("quota");
  });
});

describe("an object that ends without a warning", () => {
  it("has lost at most a hundredth of the limit", async () => {
    const what = ask({ per_minute: 1000 });
    expect(await count(55, what)).toBe(55);
    await abortAllDurableObjects();
    const left = await count(1000, what);
    expect(left).toBeGreaterThanOrEqual(945);
    expect(left).toBeLessThanOrEqual(955);
  }, 30_000);

  it("has lost nothing of a low one", async () => {
    const what = ask({ per_minute: 20 }, { own: { per_minute: 10 } });
    expect(await count(3, what)).toBe(3);
    await abortAllDurableObjects();
    expect(await count(10, what)).toBe(7);
  });
});

describe("a stream of a Worker that is no more", () => {
  it("is over when nothing was heard of it for a while, and not before", async () => {
    const limits = { streams: 1 };
    const first = await admitted(ask(limits, { lease: "s1" }));
    vi.setSystemTime(START + (RATES.LEASE_S - 1) * SECOND);
    await first?.renew();
    vi.setSystemTime(Date.now() + RATES.LEASE_S * SECOND - 1);
    expect(await count(1, ask(limits, { lease: "s2" }))).toBe(0);
    vi.setSystemTime(Date.now() + 1);
    expect(await count(1, ask(limits, { lease: "s2" }))).toBe(1);
  });

  it("is over at once when the runtime sees that it is gone", async () => {
    const limits = { streams: 1 };
    const { admission } = await shard(0).admit(0, ask(limits, { lease: "s1" }), true, []);
    expect(await count(1, ask(limits, { lease: "s2" }))).toBe(0);
    admission?.[Symbol.dispose]();
    await vi.waitFor(async () => expect(await count(1, ask(limits, { lease: "s2" }))).toBe(1));
  });
});

describe("the alarm", () => {
  it("forgets what no longer counts, and rings until nothing is left", async () => {
    const what = ask({ streams: 5, tokens_month: 1000 }, { lease: "s1" });
    const first = await admitted(what);
    await first?.settle({ read: 1, made: 1 });
    await admitted({ ...what, lease: "s2" });
    vi.setSystemTime(START + MINUTE);
    expect(await runDurableObjectAlarm(shard(0))).toBe(true);
    expect(await rows(0)).toMatchObject({ admitted: 0, held: 1, spent: 1 });
    vi.setSystemTime(START + RATES.LEASE_S * SECOND);
    expect(await runDurableObjectAlarm(shard(0))).toBe(true);
    expect(await rows(0)).toMatchObject({ admitted: 0, held: 0, spent: 1 });
    expect(await runDurableObjectAlarm(shard(0))).toBe(false);
  });

  it("forgets a month that is over, and none before", async () => {
    const what = ask({ tokens_month: 2 });
    await (await admitted(what))?.settle({ read: 2, made: 0 });
    vi.setSystemTime(Date.UTC(2100, 6, 1) - 1);
    await runDurableObjectAlarm(shard(0));
    expect((await admit(env, what, HERE, "r")).verdict.refused).toBe("quota");
    vi.setSystemTime(Date.UTC(2100, 6, 1));
    await runDurableObjectAlarm(shard(0));
    expect(await rows(0)).toMatchObject({ spent: 0 });
    expect(await count(1, what)).toBe(1);
  });
});
