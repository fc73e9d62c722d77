import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isAlone, type Told, takeBack, takeDue, tellTogether } from "./tally";

const LIMITS = { per_minute: 1, burst: 1, streams: 1 };
const START = Date.UTC(2026, 0, 15);
const told: string[][] = [];
let waits: { readonly ms: number; readonly over: () => void }[];
let shards = 0;
let shard: string;

beforeEach(() => {
  told.length = 0;
  waits = [];
  shards += 1;
  shard = `tally/${shards}`;
  vi.useFakeTimers({ now: START, toFake: ["Date"] });
  vi.spyOn(scheduler, "wait").mockImplementation(async (ms) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waits.push({ ms, over: resolve });
    await promise;
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function answer(request: string): Told {
  return { request, limits: LIMITS, shards: 1, usage: { read: 1, made: 1 } };
}

async function take(request: string, to = shard, alone = true): Promise<void> {
  await tellTogether(to, answer(request), alone, async (answers) => {
    told.push(names(answers));
  });
}

function names(answers: readonly Told[]): string[] {
  return answers.map(({ request }) => request);
}

function pass(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds);
}

describe("what answers took in one moment", () => {
  it("is told in one call, for which the first waits alone", async () => {
    const first = take("a");
    await take("b");
    await take("c");
    expect(told).toEqual([]);
    waits[0]?.over();
    await first;
    expect(told).toEqual([["a", "b", "c"]]);
  });

  it("is told to each shard by itself", async () => {
    const both = Promise.all([take("a"), take("b", `${shard}-other`)]);
    for (const { over } of waits) {
      over();
    }
    await both;
    expect(told.toSorted()).toEqual([["a"], ["b"]]);
  });

  it("is told once, and what comes later is told later", async () => {
    for (const name of ["a", "b"]) {
      const one = take(name);
      waits.at(-1)?.over();
      await one;
    }
    expect(told).toEqual([["a"], ["b"]]);
  });
});

describe("the next admission", () => {
  it("tells what has waited for 50 ms, and nothing before", async () => {
    const first = take("a");
    await take("b");
    pass(49);
    expect(takeDue(shard)).toEqual([]);
    pass(1);
    expect(names(takeDue(`${shard}-other`))).toEqual([]);
    expect(names(takeDue(shard))).toEqual(["a", "b"]);
    expect(takeDue(shard)).toEqual([]);
    waits[0]?.over();
    await first;
    expect(told).toEqual([]);
  });

  it("leaves what came after it to who comes next", async () => {
    const first = take("a");
    pass(50);
    takeDue(shard);
    const second = take("b");
    waits[0]?.over();
    await first;
    expect(told).toEqual([]);
    waits[1]?.over();
    await second;
    expect(told).toEqual([["b"]]);
  });

  it("gives back what it could not tell, to be told with what came meanwhile", async () => {
    const first = take("a");
    pass(50);
    const lost = takeDue(shard);
    const second = take("b");
    takeBack(shard, lost);
    waits[1]?.over();
    await second;
    expect(told).toEqual([["a", "b"]]);
    takeBack(shard, [answer("c")]);
    pass(50);
    expect(names(takeDue(shard))).toEqual(["c"]);
    waits[0]?.over();
    await first;
  });

  it("is waited for ten times as long where one was near", async () => {
    void take("a");
    void take("b", `${shard}-other`, false);
    expect(waits.map(({ ms }) => ms)).toEqual([50, 500]);
  });
});

it("what nobody has told is told by who comes next, and not by both", async () => {
  const first = take("a");
  pass(999);
  await take("b");
  pass(1);
  const third = take("c");
  waits[1]?.over();
  await third;
  expect(told).toEqual([["a", "b", "c"]]);
  waits[0]?.over();
  await first;
  expect(told).toEqual([["a", "b", "c"]]);
});

it("an admission is alone until another of its shard was near", () => {
  expect(isAlone(shard)).toBe(true);
  pass(199);
  expect(isAlone(shard)).toBe(false);
  expect(isAlone(`${shard}-other`)).toBe(true);
  pass(200);
  expect(isAlone(shard)).toBe(true);
});
