import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Told, tellTogether } from "./tally";

const LIMITS = { per_minute: 1, burst: 1, streams: 1 };
const told: string[][] = [];
let shards = 0;
let shard: string;

beforeEach(() => {
  told.length = 0;
  shards += 1;
  shard = `tally/${shards}`;
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function tell(answers: readonly Told[]): Promise<void> {
  told.push(answers.map(({ request }) => request));
}

async function take(request: string, to = shard): Promise<void> {
  await tellTogether(to, { request, limits: LIMITS, shards: 1, usage: { read: 1, made: 1 } }, tell);
}

describe("what answers took in one moment", () => {
  it("is told in one call, for which the first waits alone", async () => {
    const first = take("a");
    await take("b");
    await take("c");
    expect(told).toEqual([]);
    await first;
    expect(told).toEqual([["a", "b", "c"]]);
  });

  it("is told to each shard by itself", async () => {
    await Promise.all([take("a"), take("b", `${shard}-other`)]);
    expect(told.toSorted()).toEqual([["a"], ["b"]]);
  });

  it("is told once, and what comes later is told later", async () => {
    await take("a");
    await take("b");
    expect(told).toEqual([["a"], ["b"]]);
  });
});

it("what nobody has told is told by who comes next, and not by both", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const late = Promise.withResolvers<void>();
  vi.spyOn(scheduler, "wait").mockReturnValueOnce(late.promise);
  const first = take("a");
  vi.setSystemTime(Date.now() + 2000);
  await take("b");
  expect(told).toEqual([["a", "b"]]);
  late.resolve();
  await first;
  expect(told).toEqual([["a", "b"]]);
});
