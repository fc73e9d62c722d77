import type { MiniflareOptions, WorkerOptions } from "miniflare";
import { EDGE, RATES } from "../src/generated/contract.ts";
import { RUNTIME } from "../test/deployed.ts";

/** What the one Worker of a runtime is called. */
export const NAME = "edge";
/**
 * A coarse wall that lets all through, in the isolate that asks it. Cloudflare counts on the machine the Worker runs on;
 * miniflare's stand-in is two more Workers in the same thread.
 */
const WALL = "export default () => ({ limit: async ({ key }) => ({ success: key !== '' }) });";
const WALLS = ["WALL", ...RATES.WALLS.map(([name]) => name)];

/**
 * A runtime in which nothing runs but one Worker, and its objects: it is asked itself (`unsafeGetDirectURL`), its walls cost
 * nothing, its region is outside, at `region`. What it takes, and the garbage it makes, is its own.
 */
export function isolated(worker: Partial<WorkerOptions>, region: string): MiniflareOptions {
  const asked = {
    compatibilityDate: EDGE.COMPATIBILITY_DATE,
    ...worker,
    name: NAME,
    ratelimits: {},
    wrappedBindings: Object.fromEntries(WALLS.map((wall) => [wall, { scriptName: "wall" }])),
    outboundService: { external: { address: new URL(region).host, http: {} } },
    unsafeDirectSockets: [{}],
  };
  return { ...RUNTIME, workers: [asked, { name: "wall", modules: true, script: WALL }] } as MiniflareOptions;
}
