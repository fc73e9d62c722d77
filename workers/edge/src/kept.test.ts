import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "./env";
import { EDGE, PATHS, routeKey } from "./generated/contract";
import { Kept, keptRecords } from "./kept";
import { hashApiKey } from "./middleware/authenticate/api-key";
import { ACME_KEY, edge, madeUpKey, put, recordReads, send } from "./testing/edge";

let env: Env;

beforeEach(async () => {
  ({ env } = await edge());
  vi.spyOn(globalThis, "fetch")
    .mockReset()
    .mockImplementation(async () => Response.json({}));
  vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

function later(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

it("bounds a record's age by what the contract promises", () => {
  expect(EDGE.KV_CACHE_S + EDGE.RECORD_MEMORY_S).toBeLessThanOrEqual(EDGE.REVOKED_WITHIN_S);
});

describe("a revoked key", () => {
  it("is refused when the memory's time is over, and works until then", async () => {
    expect((await send(env)).status).toBe(200);
    await env.KEYS.delete(await hashApiKey(env.KEY_PEPPER, ACME_KEY));
    later(EDGE.RECORD_MEMORY_S - 1);
    expect((await send(env)).status).toBe(200);
    later(1);
    expect((await send(env)).status).toBe(401);
  });

  it("does not live longer because it is used all the time", async () => {
    await send(env);
    await env.KEYS.delete(await hashApiKey(env.KEY_PEPPER, ACME_KEY));
    const statuses: number[] = [];
    for (let second = 0; second < EDGE.RECORD_MEMORY_S; second += 10) {
      later(10);
      statuses.push((await send(env)).status);
    }
    expect(statuses).toEqual([200, 200, 401]);
  });
});

it("takes a new key's record within seconds after the key was first tried", async () => {
  const key = madeUpKey("acme", "new");
  expect((await send(env, { key })).status).toBe(401);
  const record = { tenant: "acme", key: "new", agents: ["helper"] };
  await put(env.KEYS, await hashApiKey(env.KEY_PEPPER, key), record);
  expect((await send(env, { key })).status).toBe(401);
  later(5);
  expect((await send(env, { key })).status).toBe(200);
});

it("reads nothing for a warm request", async () => {
  const { env: watched, reads } = recordReads(env);
  await send(watched);
  // The key, its tenant, the agent, its region.
  expect(reads).toHaveLength(4);
  await send(watched);
  await send(watched, { path: PATHS.RESPONSES });
  expect(reads).toHaveLength(4);
  expect(reads).toContain(routeKey("acme", "helper"));
});

describe("what is kept", () => {
  const READS = { found: 0, absent: 0 };
  const read = keptRecords(async (_: KVNamespace, key: string) => {
    READS[key.startsWith("known") ? "found" : "absent"] += 1;
    return key.startsWith("known") ? key : null;
  });

  it("is as old as its reading's beginning", async () => {
    const slow = keptRecords(async () => {
      later(20);
      return "value";
    });
    const spy = vi.fn(slow);
    await spy(env.KEYS, "a");
    later(EDGE.RECORD_MEMORY_S - 20);
    const before = Date.now();
    await spy(env.KEYS, "a");
    expect(Date.now() - before).toBe(20_000);
  });

  it("is each namespace's own", async () => {
    await read(env.KEYS, "known");
    const before = READS.found;
    await read(env.ROUTES, "known");
    expect(READS.found).toBe(before + 1);
  });

  it("is not driven out by guesses, however many", async () => {
    await read(env.TENANTS, "known");
    const before = READS.found;
    for (let guess = 0; guess < 20_001; guess += 1) {
      await read(env.TENANTS, `guess-${guess}`);
    }
    await read(env.TENANTS, "known");
    expect(READS.found).toBe(before);
  });

  it("is bounded in number: the oldest goes first", () => {
    const kept = new Kept<number>(2, 10);
    for (const [at, key] of ["a", "b", "c"].entries()) {
      kept.set(key, at, Date.now());
    }
    expect(["a", "b", "c"].map((key) => kept.get(key)?.value)).toEqual([undefined, 1, 2]);
  });
});
