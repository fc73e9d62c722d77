// What the limits cost in workerd: `node bench/limiter.ts` writes one JSON object a way to standard output, its medians of
// all rounds. In a round a way is loaded at the pace of the highest limit there is, whether or not earlier requests have
// been answered, for how long each took from when it was due; then, in rounds of their own, as fast as it answers: the
// garbage of such a load would be swept in the next round.
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { Miniflare } from "miniflare";
import { MODULE } from "../build.mjs";
import { PATHS, RATES } from "../src/generated/contract.ts";
import { ACME_KEY, options, seed } from "../test/deployed.ts";
import { isolated, NAME } from "./isolated.ts";
import { Runtime } from "./processor.ts";
import { start as startRegion } from "./upstream.ts";
import { percentile } from "./way.ts";

const PACE = RATES.MAX_PER_MINUTE / 60;
const ROUNDS = 5;
const PACED_S = 4;
const FAST_S = 1;
const WARM_UP = 100;
const CONNECTIONS = 16;
const CALLS = "x-bench-calls";
/** Milliseconds after which all is told of a request that is told later. */
const TOLD_MS = 1000;
const BODY = JSON.stringify({ model: "helper", messages: [{ role: "user", content: "hello" }] });
/** Of a tenant of all shards, and more than any load needs: what is measured is the limiter, not its refusals. */
const LIMITS = { per_minute: 10_000_000, burst: 10_000_000, streams: 10_000, tokens_month: 1_000_000_000_000 };

/** Places of which each asks another shard. */
const PLACES = ["AMS", "BOM", "LAX", "CDG"];
/** What stands in the place of the limits, where anything does: a module beside this one. */
type Instead = "unlimited.ts" | "asking.ts" | undefined;
const WAYS: readonly { name: string; instead?: Instead; places: readonly string[] }[] = [
  { name: "an empty object (floor)", instead: "asking.ts", places: PLACES.slice(0, 1) },
  { name: "without limits", instead: "unlimited.ts", places: PLACES },
  { name: "limits, one place", places: PLACES.slice(0, 1) },
  { name: `limits, ${PLACES.length} places`, places: PLACES },
];
/** Where objects keep their state: in memory where Linux has a place there, so that no disk other programs use is waited for. */
const STORAGE = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "moltghost-bench-"));

async function bundle(instead: Instead): Promise<string> {
  const swap: Plugin = {
    name: "instead",
    setup: (it) => {
      it.onResolve({ filter: /\/middleware\/limits$/ }, () => ({
        path: fileURLToPath(new URL(instead ?? "", import.meta.url).href),
      }));
    },
  };
  const { outputFiles } = await build({
    ...MODULE,
    entryPoints: [fileURLToPath(new URL("counted.ts", import.meta.url).href)],
    write: false,
    plugins: instead === undefined ? [] : [swap],
  });
  return outputFiles[0]?.text ?? "";
}

interface Started {
  readonly miniflare: Miniflare;
  readonly runtime: Runtime | null;
  readonly url: URL;
}

async function start(name: string, instead: Instead, region: string): Promise<Started> {
  const { started, runtime } = await Runtime.started(async () => await run(name, instead, region));
  return { ...started, runtime };
}

async function run(name: string, instead: Instead, region: string): Promise<Omit<Started, "runtime">> {
  const own = await options(generateKeyPairSync("ed25519").privateKey);
  const worker = {
    ...own,
    modules: [{ type: "ESModule" as const, path: "index.js", contents: await bundle(instead) }],
    durableObjects: {
      [RATES.BINDING_LIMITER]: { className: RATES.LIMITER_CLASS, useSQLite: true },
      EMPTY: { className: "Empty", useSQLite: true },
    },
  };
  const durableObjectsPersist = join(STORAGE, name.replaceAll(/\W+/g, "-"));
  const miniflare = new Miniflare({ ...isolated(worker, region), durableObjectsPersist });
  const url = new URL(PATHS.CHAT_COMPLETIONS, await miniflare.unsafeGetDirectURL(NAME));
  await seed(miniflare, ["http://region.test"], LIMITS, {}, NAME);
  return { miniflare, url };
}

/** One request: how long it took, in milliseconds, and how many calls of the limiter's there had been by then. */
interface Asked {
  readonly took: number;
  readonly calls: number;
}

/** Asks once; `due` is when: a load that is late itself must not make its answers look quick. */
function ask(url: URL, agent: Agent, place: string, due = performance.now()): Promise<Asked> {
  return new Promise((resolve, reject) => {
    // Cloudflare says in a ray's identifier where a request came in.
    const ray = `230b030023ae2822-${place}`;
    const headers = { authorization: `Bearer ${ACME_KEY}`, "content-type": "application/json", "cf-ray": ray };
    const sent = request(url.href, { method: "POST", agent, headers }, (response) => {
      response.resume().on("end", () => {
        if (response.statusCode !== 200) {
          reject(new Error(`answered ${response.statusCode}`));
        }
        resolve({ took: performance.now() - due, calls: Number(response.headers[CALLS]) });
      });
    });
    sent.on("error", reject).end(BODY);
  });
}

/** Asks once more; `due` is when, of a load at a pace. */
type AskNext = (due?: number) => Promise<Asked>;

/** Requests at a pace, each when it is due, whether or not earlier ones have been answered. */
async function paced(askNext: AskNext): Promise<Asked[]> {
  const began = performance.now();
  const all: Promise<Asked>[] = [];
  for (let at = 0; at < PACED_S * PACE; at += 1) {
    const due = began + (at * 1000) / PACE;
    while (performance.now() < due) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    all.push(askNext(due));
  }
  return await Promise.all(all);
}

/** Answers a second, each connection asking as soon as it was answered. */
async function fast(askNext: AskNext): Promise<number> {
  const began = performance.now();
  let answered = 0;
  const connection = async (): Promise<void> => {
    while (performance.now() - began < FAST_S * 1000) {
      await askNext();
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  return answered / ((performance.now() - began) / 1000);
}

const FIGURES = ["requests", "p50", "p99", "processor", "subrequests"] as const;
type Round = Readonly<Record<(typeof FIGURES)[number], number>>;

interface Way extends Started {
  readonly name: string;
  readonly places: readonly string[];
  readonly rounds: Round[];
  /** Answers a second, a round. */
  readonly rates: number[];
}

/** One round of a way, on connections of its own: the runtime closes those that idle. */
async function round({ url, places }: Way, load: (askNext: AskNext) => Promise<void>): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS * 4 });
  let asked = 0;
  const askNext: AskNext = (due) => ask(url, agent, places[asked++ % places.length] ?? "", due);
  try {
    for (let warm = 0; warm < WARM_UP; warm += 1) {
      await askNext();
    }
    await load(askNext);
  } finally {
    agent.destroy();
  }
}

/** How a way does at the pace of the highest limit. */
async function atPace(way: Way): Promise<void> {
  const { runtime, rounds } = way;
  await round(way, async (askNext) => {
    const first = await askNext();
    await runtime?.quiet();
    const before = runtime?.used ?? Number.NaN;
    const answers = await paced(askNext);
    await runtime?.quiet();
    const processor = ((runtime?.used ?? Number.NaN) - before) / answers.length;
    const took = answers.map((answer) => answer.took);
    await pause(TOLD_MS);
    const last = await askNext();
    const subrequests = (last.calls - first.calls) / (answers.length + 1);
    const p50 = percentile(took, 50);
    const p99 = percentile(took, 99);
    rounds.push({ requests: took.length, p50, p99, processor, subrequests });
  });
}

const ways: Way[] = [];
const { origin, server } = await startRegion();
try {
  for (const { name, instead, places } of WAYS) {
    ways.push({ name, places, rounds: [], rates: [], ...(await start(name, instead, origin)) });
  }
  // In turns, so that all meet the same machine.
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    for (const way of ways) {
      await atPace(way);
    }
  }
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    for (const way of ways) {
      await round(way, async (askNext) => void way.rates.push(await fast(askNext)));
    }
  }
  for (const { name, rounds, rates } of ways) {
    const figures = FIGURES.map((what) => [
      what,
      percentile(
        rounds.map((one) => one[what]),
        50,
      ),
    ]);
    console.log(JSON.stringify({ name, ...Object.fromEntries(figures), rate: percentile(rates, 50) }));
  }
} finally {
  server.closeAllConnections();
  server.close();
  for (const { miniflare } of ways) {
    await miniflare.dispose();
  }
  rmSync(STORAGE, { recursive: true });
}
