import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Leases, Spent, Window } from "./budget";

describe("a window", () => {
  it("holds what was admitted within its length, however much was before", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 3000, maxLength: 6000 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 2000 }), (all, length) => {
        const window = new Window(length);
        const times: number[] = [];
        let now = 0;
        for (const [number, gap] of all.entries()) {
          now += gap;
          window.note(now);
          times.push(now);
          if (number % 500 === 0) {
            expect(window.used(now)).toBe(times.filter((time) => time > now - length).length);
          }
        }
        now += length;
        expect(window.used(now)).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  it("says when it has room, to the millisecond, also when the clock was set back", () => {
    const window = new Window(100);
    expect(window.frees(0, 1)).toBe(0);
    for (const at of [0, 10, 10, 50]) {
      window.note(at);
    }
    expect([5, 4, 3, 2, 1, 0].map((capacity) => window.frees(60, capacity))).toEqual([
      60,
      100,
      110,
      110,
      150,
      Infinity,
    ]);
    window.note(20);
    expect(window.frees(60, 1)).toBe(150);
    expect(window.used(99)).toBe(5);
    expect(window.used(100)).toBe(4);
  });
});

it("a lease is over when its time is, or when it is ended", () => {
  const leases = new Leases();
  leases.hold("a", 10);
  leases.hold("b", 20);
  expect([leases.used(9), leases.used(10), leases.used(20)]).toEqual([2, 1, 0]);
  leases.hold("c", 30);
  leases.hold("c", 40);
  expect(leases.frees(30, 1)).toBe(Infinity);
  leases.end("c");
  expect(leases.frees(30, 1)).toBe(30);
});

it("what is spent stays spent", () => {
  const spent = new Spent(3);
  spent.note(4);
  expect([spent.used(), spent.frees(1, 7), spent.frees(1, 8)]).toEqual([7, Infinity, 1]);
});
