// `make bench`: what the edge costs on this machine. Figures, not verdicts, but for an event that is lost.
import { Miniflare } from "miniflare";
import { bundle } from "../build.mjs";
import { EDGE, PATHS } from "../src/generated/contract.ts";
import { ACME_KEY, deployWith, WIDE } from "../test/deployed.ts";
import { processorTimes } from "./cpu.ts";
import { runtimeProcess } from "./processor.ts";
import { EVENTS, STREAMS, streams } from "./streams.ts";
import { start } from "./upstream.ts";
import { percentile, type Sample, Way } from "./way.ts";

const WARM = 200;
const REQUESTS = 1000;
const CHAT = JSON.stringify({ model: "helper", messages: [{ role: "user", content: "hello" }] });
const KEY = { authorization: `Bearer ${ACME_KEY}` };

await bundle();
const { origin, server } = await start();

/** The least a Worker on the way costs: the same runtime, and nothing done. */
async function bare(): Promise<{ url: URL; runtime: number | null; stop: () => Promise<void> }> {
  const script = `export default { fetch: (request) => fetch("${origin}${PATHS.CHAT_COMPLETIONS}", request) };`;
  const options = { host: "127.0.0.1", cf: false as const, telemetry: { enabled: false }, modules: true, script };
  const miniflare = new Miniflare({ ...options, compatibilityDate: EDGE.COMPATIBILITY_DATE });
  const url = await miniflare.ready;
  return { url, runtime: runtimeProcess(), stop: async () => await miniflare.dispose() };
}

async function measure(way: Way, runtime: number | null): Promise<Sample[]> {
  for (let at = 0; at < WARM; at += 1) {
    await way.ask(CHAT, runtime);
  }
  const samples: Sample[] = [];
  for (let at = 0; at < REQUESTS; at += 1) {
    samples.push(await way.ask(CHAT, runtime));
  }
  way.close();
  return samples;
}

function row(samples: readonly Sample[], direct: readonly Sample[]): Record<string, string> {
  const at = (of: keyof Sample, percent: number, from = samples) =>
    percentile(
      from.map((each) => each[of]),
      percent,
    );
  const added = (percent: number) => (at("firstByte", percent) - at("firstByte", percent, direct)).toFixed(2);
  const cpu = (percent: number) =>
    Number.isNaN(at("processor", percent)) ? "not to be had" : at("processor", percent).toFixed(2);
  return {
    "first byte p50": at("firstByte", 50).toFixed(2),
    "first byte p99": at("firstByte", 99).toFixed(2),
    "added p50": added(50),
    "added p99": added(99),
    "CPU p50": cpu(50),
    "CPU p99": cpu(99),
  };
}

const direct = await measure(new Way("direct", new URL(PATHS.CHAT_COMPLETIONS, origin)), null);
const empty = await bare();
const through = await measure(new Way("empty Worker", empty.url), empty.runtime);
await empty.stop();
const edge = await deployWith(WIDE, origin);
const url = new URL(PATHS.CHAT_COMPLETIONS, edge.url);
const ours = await measure(new Way("edge", url, KEY), runtimeProcess());

console.log(
  `\nOne request after another, ${REQUESTS} each, warm; milliseconds. CPU is of the whole runtime, HTTP on both sides`,
);
console.log("included, as Linux counts its threads: more than what a Worker is billed; the empty Worker is the floor.");
console.table({ direct: row(direct, direct), "empty Worker": row(through, direct), edge: row(ours, direct) });

await processorTimes();
const began = performance.now();
const { came, open } = await streams(url, { ...KEY, "content-type": "application/json" });
const seconds = (performance.now() - began) / 1000;
console.log(`\n${STREAMS} streams of ${EVENTS} events at once`);
console.table({
  "open together, at most": open,
  "events that came, whole and in order": came,
  "events lost": STREAMS * EVENTS - came,
  "events a second": Math.round(came / seconds),
});
await edge.stop();
server.closeAllConnections();
server.close();
if (came !== STREAMS * EVENTS) {
  throw new Error(`${STREAMS * EVENTS - came} events were lost`);
}
