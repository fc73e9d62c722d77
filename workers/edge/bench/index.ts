// `make bench`: what the edge costs on this machine. Figures, not verdicts, but for an event that is lost.
import { Miniflare } from "miniflare";
import { bundle } from "../build.mjs";
import { EDGE, PATHS } from "../src/generated/contract.ts";
import { ACME_KEY, deployWith, WIDE } from "../test/deployed.ts";
import { processorTimes } from "./cpu.ts";
import { EVENTS, STREAMS, streams } from "./streams.ts";
import { start } from "./upstream.ts";
import { percentile, Way } from "./way.ts";

const WARM = 200;
const REQUESTS = 1000;
const CHAT = JSON.stringify({ model: "helper", messages: [{ role: "user", content: "hello" }] });
const KEY = { authorization: `Bearer ${ACME_KEY}` };

await bundle();
const { origin, server } = await start();

/** The least a Worker on the way costs: the same runtime, and nothing done. */
async function bare(): Promise<{ url: URL; stop: () => Promise<void> }> {
  const script = `export default { fetch: (request) => fetch("${origin}${PATHS.CHAT_COMPLETIONS}", request) };`;
  const options = { host: "127.0.0.1", cf: false as const, telemetry: { enabled: false }, modules: true, script };
  const miniflare = new Miniflare({ ...options, compatibilityDate: EDGE.COMPATIBILITY_DATE });
  const url = await miniflare.ready;
  return { url, stop: async () => await miniflare.dispose() };
}

/** Milliseconds to each answer's first byte. */
async function measure(way: Way): Promise<number[]> {
  await way.warm(CHAT, WARM);
  const took: number[] = [];
  for (let at = 0; at < REQUESTS; at += 1) {
    took.push(await way.ask(CHAT));
  }
  way.close();
  return took;
}

function row(took: readonly number[], floor: readonly number[]): Record<string, string> {
  const added = (percent: number) => (percentile(took, percent) - percentile(floor, percent)).toFixed(2);
  return {
    "first byte p50": percentile(took, 50).toFixed(2),
    "first byte p99": percentile(took, 99).toFixed(2),
    "added p50": added(50),
    "added p99": added(99),
  };
}

const direct = await measure(new Way("direct", new URL(PATHS.CHAT_COMPLETIONS, origin)));
const empty = await bare();
const through = await measure(new Way("empty Worker", empty.url));
await empty.stop();
const edge = await deployWith(WIDE, origin);
const url = new URL(PATHS.CHAT_COMPLETIONS, edge.url);
const ours = await measure(new Way("edge", url, KEY));

console.log(`\nOne request after another, ${REQUESTS} each, warm; milliseconds`);
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
