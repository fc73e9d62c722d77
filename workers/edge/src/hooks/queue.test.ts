import { runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HOOKS } from "../generated/contract";
import { edge } from "../testing/edge";
import { backoffMs, Queue } from "./queue";

/** An alarm that lies in the past would ring by itself. */
const START = Date.UTC(2100, 0, 1);
const PAYLOAD = new Uint8Array([1, 2, 3]);
let queues = 0;

async function inQueue<T>(use: (queue: Queue) => T): Promise<T> {
  const { env } = await edge();
  queues += 1;
  const outbox = env.HOOK_OUTBOX.getByName(`acme/queue-${queues}`);
  return await runInDurableObject(outbox, (_, state) => use(new Queue(state.storage.sql)));
}

const delivery = (n: number) => ({ id: `d-${n}`, tenant: "acme", hook: "crm", agent: "helper" });

function bury(queue: Queue, n: number): void {
  queue.add(delivery(n), PAYLOAD, START + n);
  queue.claim(START + n);
  queue.answered(`d-${n}`, PAYLOAD, START + n);
  queue.claim(START + n);
  queue.bury(`d-${n}`, 500, START + n);
}

describe("the queue", () => {
  it("gives a chat out once, whatever becomes of it", async () => {
    await inQueue((queue) => {
      queue.add(delivery(1), PAYLOAD, START);
      expect(queue.claim(START - 1)).toBeNull();
      expect(queue.claim(START)).toMatchObject({ id: "d-1", state: "asked", payload: PAYLOAD });
      expect(queue.claim(START + 1e12)).toBeNull();
      expect(queue.next()).toBeNull();
    });
  });

  it("gives a try out again when nothing was heard of it", async () => {
    await inQueue((queue) => {
      queue.add(delivery(1), PAYLOAD, START);
      queue.claim(START);
      queue.answered("d-1", PAYLOAD, START);
      expect(queue.claim(START)).toMatchObject({ state: "answered", tries: 1 });
      expect(queue.claim(START + HOOKS.DELIVERY_S * 1000)).toBeNull();
      expect(queue.claim(START + 2 * HOOKS.DELIVERY_S * 1000)).toMatchObject({ tries: 2 });
    });
  });

  it("takes no more than may wait", async () => {
    await inQueue((queue) => {
      for (let n = 0; n < HOOKS.OUTBOX_MOST; n += 1) {
        expect(queue.add(delivery(n), PAYLOAD, START)).toBe(true);
      }
      expect(queue.add(delivery(-1), PAYLOAD, START)).toBe(false);
      queue.done("d-0");
      expect(queue.add(delivery(-1), PAYLOAD, START)).toBe(true);
    });
  });

  it("keeps the latest dead letters, each for its time", async () => {
    await inQueue((queue) => {
      for (let n = 0; n < HOOKS.OUTBOX_MOST + 2; n += 1) {
        bury(queue, n);
      }
      const dead = queue.dead(START);
      expect(dead).toHaveLength(HOOKS.OUTBOX_MOST);
      expect(dead.at(0)?.id).toBe(`d-${HOOKS.OUTBOX_MOST + 1}`);
      expect(dead.at(-1)?.id).toBe("d-2");
      const end = START + 2 + HOOKS.DEAD_LETTER_S * 1000;
      expect(queue.dead(end - 1)).toHaveLength(HOOKS.OUTBOX_MOST);
      expect(queue.dead(end)).toHaveLength(HOOKS.OUTBOX_MOST - 1);
      expect(queue.revive("d-2", end)).toBe(false);
      queue.forget(end);
      expect(queue.next()).toBe(end + 1);
    });
  });
});

describe("the time between two tries", () => {
  it("grows, by chance at most by half, to a limit", () => {
    const tries = fc.integer({ min: 1, max: 100 });
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(tries, chance, (n, by) => {
        const least = backoffMs(n, 0);
        expect(least).toBeLessThanOrEqual(HOOKS.RETRY_MOST_S * 1000);
        expect(backoffMs(n + 1, 0)).toBeGreaterThanOrEqual(least);
        expect(backoffMs(n, by)).toBeGreaterThanOrEqual(least);
        expect(backoffMs(n, by)).toBeLessThanOrEqual(least * 1.5);
      }),
    );
  });

  it("is hours in all", () => {
    const total = (chance: number): number =>
      Array.from({ length: HOOKS.TRIES - 1 }, (_, n) => backoffMs(n + 1, chance)).reduce((sum, each) => sum + each) /
      3_600_000;
    expect(total(0)).toBeCloseTo(4.95, 1);
    expect(total(1)).toBeCloseTo(7.4, 1);
  });
});
