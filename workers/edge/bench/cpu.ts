// What of a request is the Worker's own processor time: `node bench/cpu.ts`, and a table of `make bench`.
import { generateKeyPairSync } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Miniflare } from "miniflare";
import { EDGE, PATHS, RATES } from "../src/generated/contract.ts";
import { ACME_KEY, options, RUNTIME, seed, WIDE } from "../test/deployed.ts";
import { INTERVAL_US, Sampler, type Stretch, stretches } from "./profile.ts";
import { percentile, Way } from "./way.ts";

const WARM = 500;
const REQUESTS = 500;
/** Milliseconds between two requests: long enough to tell what each took. */
const APART_MS = 15;
const CHAT = JSON.stringify({ model: "helper", messages: [{ role: "user", content: "hello" }] });
const REGION = `export default { fetch: () => Response.json({ object: "chat.completion", choices: [] }) };`;

/** The Worker, its objects in an isolate of their own, and a region that answers at once. */
async function deployed(): Promise<Miniflare> {
  const edge = await options(generateKeyPairSync("ed25519").privateKey);
  const limiter = { className: RATES.LIMITER_CLASS, useSQLite: true, scriptName: "objects" };
  const bound = { ...(edge.durableObjects as Record<string, object>), [RATES.BINDING_LIMITER]: limiter };
  const workers = [
    { ...edge, name: "edge", outboundService: "region", durableObjects: bound },
    { ...edge, name: "objects", outboundService: "region" },
    { name: "region", modules: true, script: REGION, compatibilityDate: EDGE.COMPATIBILITY_DATE },
  ];
  const miniflare = new Miniflare({ ...RUNTIME, inspectorPort: 0, workers });
  await miniflare.ready;
  await seed(miniflare, ["http://region.test"], WIDE, {}, "edge");
  return miniflare;
}

function row({ each, samples }: ReturnType<typeof stretches>): Record<string, string | number> {
  const at = (bound: keyof Stretch, percent: number) =>
    percentile(
      each.map((stretch) => stretch[bound]),
      percent,
    ).toFixed(2);
  return {
    "p50 at least": at("least", 50),
    "at most": at("most", 50),
    "p99 at least": at("least", 99),
    "p99 at most": at("most", 99),
    "stretches told apart": each.length,
    samples,
  };
}

/** Measures, and prints the table. */
export async function processorTimes(): Promise<void> {
  const miniflare = await deployed();
  try {
    const url = new URL(PATHS.CHAT_COMPLETIONS, await miniflare.ready);
    const way = new Way("edge", url, { authorization: `Bearer ${ACME_KEY}` });
    for (let at = 0; at < WARM; at += 1) {
      await way.ask(CHAT, null);
    }
    const inspector = await miniflare.getInspectorURL();
    const [edge, objects] = [await Sampler.start(inspector, "edge"), await Sampler.start(inspector, "objects")];
    for (let at = 0; at < REQUESTS; at += 1) {
      await way.ask(CHAT, null);
      await pause(APART_MS);
    }
    way.close();
    const rows = {
      "the Worker": row(stretches(await edge.stop())),
      "its limiter": row(stretches(await objects.stop())),
    };
    console.log(
      `\n${REQUESTS} chats, ${APART_MS} ms apart, warm: milliseconds an isolate ran, sampled each ${INTERVAL_US} µs by V8.`,
    );
    console.log(
      "Counted is what runs in the isolate, JavaScript and the runtime's code it calls, the sampling's own cost included.",
    );
    console.log(
      "Not counted are HTTP and miniflare's stand-ins, each an isolate of its own. At least: an interval for each sample;",
    );
    console.log("at most: the time between samples, which on a busy machine counts what other programs did meanwhile.");
    console.table(rows);
  } finally {
    await miniflare.dispose();
  }
}

if (import.meta.main) {
  await processorTimes();
}
