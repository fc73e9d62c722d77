// What of a request is the Worker's own processor time: `node bench/cpu.ts`, and a table of `make bench`.
import { generateKeyPairSync } from "node:crypto";
import { Miniflare, type MiniflareOptions } from "miniflare";
import { bundle } from "../build.mjs";
import { EDGE, PATHS } from "../src/generated/contract.ts";
import { ACME_KEY, options, RUNTIME, seed, WIDE } from "../test/deployed.ts";
import { Runtime } from "./processor.ts";
import { percentile, Way } from "./way.ts";

const WARM = 1500;
const ROUNDS = 1;
const REQUESTS = 300;
const CHAT = JSON.stringify({ model: "helper", messages: [{ role: "user", content: "hello" }] });
/** It reads all it is sent: a runtime closes a client's connection whose request nobody has read. */
const REGION = `export default { async fetch(request) {
  await request.text();
  return Response.json({ object: "chat.completion", choices: [] });
} };`;
/** The least a Worker on the way costs. */
const EMPTY = `export default { fetch: (request) => fetch("http://region.test/", request) };`;
/** The least one costs that asks all the edge asks, a coarse wall and a Durable Object, and does nothing with it. */
const ASKING = `import { DurableObject } from "cloudflare:workers";
export class Empty extends DurableObject { ask() {} }
export default { async fetch(request, env) {
  await env.WALL.limit({ key: "acme" });
  await env.EMPTY.getByName("one").ask();
  return await fetch("http://region.test/", request);
} };`;

/** One Worker before a region that answers at once, in a runtime of its own. */
interface Measured {
  readonly name: string;
  readonly way: Way;
  readonly runtime: Runtime;
  readonly miniflare: Miniflare;
  /** Milliseconds of each request. */
  readonly isolates: number[];
  readonly all: number[];
}

const region = { name: "region", modules: true, script: REGION, compatibilityDate: EDGE.COMPATIBILITY_DATE };
const bare = { modules: true, compatibilityDate: EDGE.COMPATIBILITY_DATE, outboundService: "region" } as const;

async function measured(name: string, worker: object): Promise<Measured> {
  const workers = [{ ...worker, name: "edge", outboundService: "region" }, region];
  const { started: miniflare, runtime } = await Runtime.started(async () => {
    const miniflare = new Miniflare({ ...RUNTIME, workers } as MiniflareOptions);
    await miniflare.ready;
    return miniflare;
  });
  if (runtime === null) {
    await miniflare.dispose();
    throw new Error("this system does not say what a process's threads use");
  }
  const url = new URL(PATHS.CHAT_COMPLETIONS, await miniflare.ready);
  const way = new Way(name, url, { authorization: `Bearer ${ACME_KEY}` });
  return { name, way, runtime, miniflare, isolates: [], all: [] };
}

/** One request, and all it has the runtime do. */
async function sample({ way, runtime, isolates, all }: Measured): Promise<void> {
  await runtime.quiet();
  const before = runtime.used;
  await way.ask(CHAT);
  await runtime.quiet();
  const after = runtime.used;
  isolates.push(after.isolates - before.isolates);
  all.push(after.all - before.all);
}

function row(one: Measured, floor: Measured): Record<string, string> {
  const at = (of: Measured, percent: number) => percentile(of.isolates, percent);
  return {
    p50: at(one, 50).toFixed(2),
    p99: at(one, 99).toFixed(2),
    "above the floor, p50": (at(one, 50) - at(floor, 50)).toFixed(2),
    "above the floor, p99": (at(one, 99) - at(floor, 99)).toFixed(2),
    "all threads, p50": percentile(one.all, 50).toFixed(2),
  };
}

/** Measures, and prints the table. */
export async function processorTimes(): Promise<void> {
  const ways: Measured[] = [];
  try {
    ways.push(await measured("empty Worker (floor)", { ...bare, script: EMPTY }));
    const durableObjects = { EMPTY: { className: "Empty", useSQLite: true } };
    const ratelimits = { WALL: { namespace_id: "wall", simple: { limit: 1_000_000, period: 60 } } };
    ways.push(await measured("empty Worker, wall and object", { ...bare, script: ASKING, durableObjects, ratelimits }));
    const edge = await measured("edge", await options(generateKeyPairSync("ed25519").privateKey));
    ways.push(edge);
    await seed(edge.miniflare, ["http://region.test"], WIDE, {}, "edge");
    for (const { way } of ways) {
      for (let at = 0; at < WARM; at += 1) {
        await way.ask(CHAT);
      }
    }
    // In turns, request by request, so that all meet the same machine.
    for (let at = 0; at < ROUNDS * REQUESTS; at += 1) {
      for (const way of ways) {
        await sample(way);
      }
    }
    print(ways);
  } finally {
    for (const { way, miniflare } of ways) {
      way.close();
      await miniflare.dispose();
    }
  }
}

function print(ways: readonly Measured[]): void {
  const [floor] = ways;
  console.log(
    `\n${ROUNDS * REQUESTS} chats each, in turns, warm: milliseconds of processor time of the thread the isolates run on, as Linux`,
  );
  console.log("counts it. HTTP on both sides and the region's answer are in all of them; the rest is the Worker's.");
  if (floor !== undefined) {
    console.table(Object.fromEntries(ways.map((way) => [way.name, row(way, floor)])));
  }
}

if (import.meta.main) {
  await bundle();
  await processorTimes();
}
