// What of a request is the Worker's own processor time: `node bench/cpu.ts`, and a table of `make bench`.
import { generateKeyPairSync } from "node:crypto";
import { Miniflare, type WorkerOptions } from "miniflare";
import { bundle } from "../build.mjs";
import { PATHS } from "../src/generated/contract.ts";
import { ACME_KEY, options, seed, WIDE } from "../test/deployed.ts";
import { isolated, NAME } from "./isolated.ts";
import { TOLD_BESIDE } from "./place.ts";
import { Runtime } from "./processor.ts";
import { start } from "./upstream.ts";
import { percentile, Way } from "./way.ts";

/**
 * Requests before any is timed. Until then the edge's heap still grows, and the kernel's work to give it new memory would be
 * timed with it: five pages a request after 5,000, less than one after 12,000.
 */
const WARM = 15_000;
/** So short that what slows the machine for a while slows a round of each, and so many that such whiles are few of them. */
const ROUNDS = 150;
/** Requests of a round that are timed, one after another. */
const REQUESTS = 20;
/** Requests before them that are not: until then the processor's caches hold what the round before needed. */
const SETTLING = 5;
/** What the edge is to cost at most above the floor, in milliseconds. */
const TARGETS = { "target p50": 0.5, "target p99": 2 };
/** Turns of a loop by whose time runs on other machines, and other days, can be compared. */
const LOOP = 3_000_000;
const CHAT = JSON.stringify({ model: "helper", messages: [{ role: "user", content: "hello" }] });
/** The least a Worker on the way costs. */
const EMPTY = `export default { fetch: (request) => fetch("http://region.test/", request) };`;
/** The least one costs that asks all the edge asks, a coarse wall and a Durable Object, and logs a line as long. */
const ASKING = `import { DurableObject } from "cloudflare:workers";
export class Empty extends DurableObject { ask() {} }
export default { async fetch(request, env) {
  await env.WALL.limit({ key: "acme" });
  await env.EMPTY.getByName("one").ask();
  console.log("${"x".repeat(260)}");
  return await fetch("http://region.test/", request);
} };`;

/** One Worker before a region that answers at once, in a runtime of its own; a round's milliseconds, request by request. */
interface Measured {
  readonly name: string;
  readonly way: Way;
  readonly runtime: Runtime;
  readonly miniflare: Miniflare;
  readonly rounds: number[][];
}

async function measured(name: string, worker: Partial<WorkerOptions>, region: string): Promise<Measured> {
  const { started: miniflare, runtime } = await Runtime.started(async () => {
    const starting = new Miniflare(isolated(worker, region));
    await starting.ready;
    return starting;
  });
  if (runtime === null) {
    await miniflare.dispose();
    throw new Error("this system does not say what a process's threads use");
  }
  const url = new URL(PATHS.CHAT_COMPLETIONS, await miniflare.unsafeGetDirectURL(NAME));
  const way = new Way(name, url, { authorization: `Bearer ${ACME_KEY}`, ...TOLD_BESIDE });
  return { name, way, runtime, miniflare, rounds: [] };
}

/** One round. A request's time runs to the end of the next one's answer, so that nothing it leaves behind is missed. */
async function round({ way, runtime, rounds }: Measured): Promise<void> {
  await way.warm(CHAT, SETTLING);
  await runtime.quiet();
  const took: number[] = [];
  let before = runtime.used;
  for (let at = 0; at < REQUESTS; at += 1) {
    await way.ask(CHAT);
    const after = runtime.used;
    took.push(after - before);
    before = after;
  }
  rounds.push(took);
}

/** How far each round's median is above that of the floor's round beside it. */
function above(rounds: readonly number[][], floor: readonly number[][]): number[] {
  return rounds.map((took, at) => percentile(took, 50) - percentile(floor[at] ?? [], 50));
}

/** How fast the machine is: milliseconds of this process's processor time that a fixed loop takes. */
function loopTime(): number {
  const before = process.cpuUsage();
  let sum = 0;
  for (let turn = 0; turn < LOOP; turn += 1) {
    sum = (sum * 31 + turn) | 0;
  }
  const { user } = process.cpuUsage(before);
  // Said, so that the loop is not left out.
  return sum === 1 ? Number.NaN : user / 1000;
}

/** Measures, and prints the table. */
export async function processorTimes(): Promise<void> {
  const ways: Measured[] = [];
  const loops: number[] = [];
  const { origin, server } = await start();
  try {
    ways.push(await measured("empty Worker", { modules: true, script: EMPTY }, origin));
    const durableObjects = { EMPTY: { className: "Empty", useSQLite: true } };
    ways.push(await measured("the floor", { modules: true, script: ASKING, durableObjects }, origin));
    const edge = await measured("edge", await options(generateKeyPairSync("ed25519").privateKey), origin);
    ways.push(edge);
    await seed(edge.miniflare, ["http://region.test"], WIDE, {}, NAME);
    for (const { way } of ways) {
      await way.warm(CHAT, WARM);
    }
    for (let at = 0; at < ROUNDS; at += 1) {
      loops.push(loopTime());
      // Each is first, and last, as often as the others.
      for (const which of ways.keys()) {
        await round(ways[(at + which) % ways.length] ?? edge);
      }
    }
    print(ways, percentile(loops, 50));
  } finally {
    for (const { way, miniflare } of ways) {
      way.close();
      await miniflare.dispose();
    }
    server.closeAllConnections();
    server.close();
  }
}

function print(ways: readonly Measured[], loop: number): void {
  const floor = ways.find(({ name }) => name === "the floor")?.rounds ?? [];
  const rows = ways.map(({ name, rounds }) => {
    const [all, over] = [rounds.flat(), above(rounds, floor)];
    const figures = {
      p50: shown(percentile(all, 50)),
      p99: shown(percentile(all, 99)),
      "above the floor, p50": shown(percentile(over, 50)),
      "its quartiles": `${shown(percentile(over, 25))} to ${shown(percentile(over, 75))}`,
      "above the floor, p99": shown(percentile(all, 99) - percentile(floor.flat(), 99)),
    };
    return [name, name === "edge" ? { ...figures, ...TARGETS } : figures] as const;
  });
  const words = [
    `\n${ROUNDS} rounds of ${REQUESTS} chats each, in turns, warm: milliseconds of processor time of the thread all isolates run on, as`,
    "Linux counts it. Each Worker is alone in its runtime. The floor asks all the edge asks (a wall, an object, the region) and logs",
    "a line as long, and does nothing with it; HTTP is in it. What is above it is the edge's own, its limiter's object included:",
    "the median of how far each round's median is above that of the floor's beside it, and the two 99th percentiles' difference.",
    `By the floor, and by a loop of ${LOOP} turns that took ${loop.toFixed(1)} ms, machines compare; wide quartiles tell of a disturbed one.`,
  ];
  console.log(words.join("\n"));
  console.table(Object.fromEntries(rows));
}

function shown(milliseconds: number): string {
  return milliseconds.toFixed(2);
}

if (import.meta.main) {
  await bundle();
  await processorTimes();
}
