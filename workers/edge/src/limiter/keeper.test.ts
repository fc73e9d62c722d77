import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RATES } from "../generated/contract";
import { ask, Tenant } from "../testing/tenant";
import { type Ask, MINUTE, SECOND } from "./rules";

interface Limit {
  readonly of: (request: Ask) => boolean;
  readonly limit: number;
  readonly length: number;
}

interface Counted {
  readonly at: number;
  readonly request: Ask;
}

/** How many of `counted` are in a window that ends now. */
function inUse(counted: readonly Counted[], { of, length }: Limit, now: number): number {
  return counted.filter(({ at, request }) => of(request) && at > now - length && at <= now).length;
}

const steps = fc.array(
  fc.record({
    after: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 2 * MINUTE })),
    place: fc.nat(RATES.SHARDS - 1),
    key: fc.constantFrom("k1", "k2", "k3"),
    times: fc.integer({ min: 1, max: 12 }),
  }),
  { maxLength: 60 },
);

const some = fc.integer({ min: 1, max: 30 });

describe.each([{ shards: 1 }, { shards: 2 }, { shards: RATES.SHARDS }])("a tenant of $shards shards", ({ shards }) => {
  it("never has more than any limit in any window, and refuses nothing below it", async () => {
    await fc.assert(
      fc.asyncProperty(steps, some, some, some, some, async (requests, minute, second, keyMinute, keySecond) => {
        const tenant = new Tenant(shards);
        const limits: Limit[] = [
          { of: () => true, limit: minute, length: MINUTE },
          { of: () => true, limit: second, length: SECOND },
          { of: ({ key }) => key === "k1", limit: keyMinute, length: MINUTE },
          { of: ({ key }) => key === "k1", limit: keySecond, length: SECOND },
        ];
        const counted: Counted[] = [];
        for (const { after, place, key, times } of requests) {
          tenant.now += after;
          for (let time = 0; time < times; time += 1) {
            const request = {
              ...parted(shards, minute, second, key),
              ...(key === "k1" ? { own: { per_minute: keyMinute, burst: keySecond } } : {}),
            };
            const { refused, retryMs } = await tenant.admit(place, request);
            const mine = limits.filter(({ of }) => of(request));
            const full = mine.filter((limit) => inUse(counted, limit, tenant.now) >= limit.limit);
            if (refused === undefined) {
              expect(full).toEqual([]);
              counted.push({ at: tenant.now, request });
            } else {
              expect(full).not.toEqual([]);
              expect(retryMs).toBeGreaterThan(0);
            }
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it("never has more streams than allowed, and refuses none below it", async () => {
    const events = fc.array(
      fc.record({
        after: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 * SECOND })),
        place: fc.nat(RATES.SHARDS - 1),
        ends: fc.boolean(),
        of: fc.nat(),
      }),
      { maxLength: 80 },
    );
    await fc.assert(
      fc.asyncProperty(events, fc.integer({ min: 1, max: 8 }), async (all, streams) => {
        const tenant = new Tenant(shards);
        const held: { request: Ask; place: number; until: number }[] = [];
        for (const [number, { after, place, ends, of }] of all.entries()) {
          tenant.now += after;
          const live = held.filter(({ until }) => until > tenant.now);
          held.splice(0, held.length, ...live);
          const [ended] = ends && held.length > 0 ? held.splice(of % held.length, 1) : [];
          if (ended !== undefined) {
            await tenant.keeper(ended.place).settle(ended.request, { read: 0, made: 0 });
            continue;
          }
          const request = { ...parted(shards, 1000, 1000, "k1", streams), lease: `s${number}` };
          const { refused } = await tenant.admit(place, request);
          expect(refused).toBe(held.length < streams ? undefined : "streams");
          if (refused === undefined) {
            held.push({ request, place, until: tenant.now + RATES.LEASE_S * SECOND });
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it("never has more than the limit, however requests and the shards' own words cross", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        some,
        fc.array(fc.nat(RATES.SHARDS - 1), { maxLength: 60 }),
        async (s, limit, places) => {
          const tenant = new Tenant(shards, (sibling) => s.scheduleFunction(sibling));
          const request = parted(shards, limit, limit, "k1");
          const asked = places.map(async (place) => (await tenant.admit(place, request)).refused === undefined);
          await s.waitFor(Promise.all(asked));
          const admitted = (await Promise.all(asked)).filter(Boolean).length;
          expect(admitted).toBeLessThanOrEqual(limit);
          const rule = { name: "minute", reason: "rate", limit, length: MINUTE } as const;
          const parts = tenant.shards.map((shard) => shard.capacity(rule, shards));
          expect(parts.reduce((sum, part) => sum + part, 0)).toBe(limit);
        },
      ),
      { numRuns: 200 },
    );
  });
});

it("loses nothing for good when a sibling's word is lost on the way", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ place: fc.nat(RATES.SHARDS - 1), lost: fc.boolean() }), { maxLength: 60 }),
      some,
      async (asked, limit) => {
        let lost = false;
        const tenant = new Tenant(RATES.SHARDS, (sibling) => async (index, wish) => {
          const gift = await sibling(index, wish);
          if (lost) {
            throw new Error("lost");
          }
          return gift;
        });
        const request = parted(RATES.SHARDS, limit, limit, "k1");
        const admit = async (place: number): Promise<number> =>
          (await tenant.admit(place, request)).refused === undefined ? 1 : 0;
        let admitted = 0;
        for (const { place, lost: now } of asked) {
          lost = now;
          admitted += await admit(place);
        }
        expect(admitted).toBeLessThanOrEqual(limit);
        lost = false;
        tenant.now += SECOND;
        // Whatever was lost, every shard can be had from every other again.
        for (let time = 0; time <= limit; time += 1) {
          for (let place = 0; place < RATES.SHARDS; place += 1) {
            admitted += await admit(place);
          }
          tenant.now += SECOND;
        }
        expect(admitted).toBe(limit);
      },
    ),
    { numRuns: 100 },
  );
});

it("asks each sibling once at most before it refuses, and not before it can have something", async () => {
  const asked: number[] = [];
  const tenant = new Tenant(RATES.SHARDS, (sibling) => async (index, wish) => {
    asked.push(index);
    return await sibling(index, wish);
  });
  const request = parted(RATES.SHARDS, RATES.SHARDS, 1000, "k1", 0);
  for (let place = 0; place < RATES.SHARDS; place += 1) {
    await tenant.admit(place, request);
  }
  expect(asked).toEqual([]);
  expect((await tenant.admit(0, request)).refused).toBe("rate");
  expect(asked).toEqual([1, 2, 3]);
  await tenant.admit(0, request);
  expect(asked).toEqual([1, 2, 3]);
  tenant.now += MINUTE;
  expect((await tenant.admit(0, { ...request, lease: "s1" })).refused).toBe("streams");
  expect(asked).toEqual([1, 2, 3, 1, 2, 3]);
});

describe("a month's quota", () => {
  const QUOTA = { tokens_month: 1000, spend_month: 5000, price_in: 1, price_out: 10 };

  it("refuses once it is used up, whichever shard is asked, until the month is over", async () => {
    const tenant = new Tenant(RATES.SHARDS);
    const request = ask(QUOTA, { shards: RATES.SHARDS });
    await tenant.keeper(0).settle(request, { read: 600, made: 0 });
    for (const place of [1, 2, 3]) {
      expect((await tenant.admit(place, request)).refused).toBeUndefined();
    }
    await tenant.keeper(2).settle(request, { read: 399, made: 1 });
    for (const place of [0, 1, 2, 3]) {
      const verdict = await tenant.admit(place, request);
      expect(verdict.refused).toBe("quota");
      expect(tenant.now + verdict.retryMs).toBe(Date.UTC(2026, 1, 1));
    }
    tenant.now = Date.UTC(2026, 1, 1) - 1;
    expect((await tenant.admit(0, request)).refused).toBe("quota");
    tenant.now += 1;
    expect((await tenant.admit(3, request)).refused).toBeUndefined();
  });

  it("of money is used up by what tokens cost", async () => {
    const tenant = new Tenant(1);
    const request = ask({ ...QUOTA, tokens_month: 1_000_000 });
    await tenant.keeper(0).settle(request, { read: 9, made: 499 });
    expect((await tenant.admit(0, request)).refused).toBeUndefined();
    await tenant.keeper(0).settle(request, { read: 1, made: 0 });
    expect((await tenant.admit(0, request)).refused).toBe("quota");
  });

  it("is nothing to a request that takes none of it", async () => {
    const tenant = new Tenant(1);
    await tenant.keeper(0).settle(ask(QUOTA), { read: 1000, made: 0 });
    expect((await tenant.admit(0, ask(QUOTA, { metered: false }))).refused).toBeUndefined();
  });

  it("holds exactly what was counted, in whatever shards, with never a refusal below it", async () => {
    const answers = fc.array(fc.record({ place: fc.nat(RATES.SHARDS - 1), read: fc.nat(200), made: fc.nat(200) }));
    await fc.assert(
      fc.asyncProperty(answers, async (all) => {
        const tenant = new Tenant(RATES.SHARDS);
        const request = ask({ tokens_month: 1000 }, { shards: RATES.SHARDS });
        let used = 0;
        for (const { place, read, made } of all) {
          tenant.now += SECOND;
          const { refused } = await tenant.admit(place, request);
          expect(refused).toBe(used < 1000 ? undefined : "quota");
          if (refused === undefined) {
            await tenant.keeper(place).settle(request, { read, made });
            used += read + made;
          }
        }
      }),
    );
  });
});

describe("what is said of the rate", () => {
  it("is the tightest of the minute's limits, and when it has more", async () => {
    const tenant = new Tenant(1);
    const request = ask({ per_minute: 100 }, { own: { per_minute: 3 } });
    const first = await tenant.admit(0, request);
    expect(first.rate).toEqual({ limit: 3, remaining: 2, resetMs: MINUTE });
    tenant.now += 10 * SECOND;
    await tenant.admit(0, request);
    await tenant.admit(0, request);
    const refused = await tenant.admit(0, request);
    expect(refused).toEqual({
      refused: "rate",
      retryMs: 50 * SECOND,
      rate: { limit: 3, remaining: 0, resetMs: 50 * SECOND },
    });
    tenant.now += refused.retryMs - 1;
    expect((await tenant.admit(0, request)).refused).toBe("rate");
    tenant.now += 1;
    expect((await tenant.admit(0, request)).refused).toBeUndefined();
  });

  it("names the second after which a burst may go on", async () => {
    const tenant = new Tenant(1);
    const request = ask({ burst: 1 });
    await tenant.admit(0, request);
    tenant.now += 400;
    expect(await tenant.admit(0, request)).toMatchObject({ refused: "rate", retryMs: 600 });
  });
});

/** A request whose limits are parted among so many shards. */
function parted(shards: number, minute: number, second: number, key: string, streams = 1000): Ask {
  const limits = { per_minute: minute, burst: second, streams };
  return ask(limits, { key, shards });
}
