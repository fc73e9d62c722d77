import { parseObject, readAtMost } from "./body";
import { EDGE, HEADERS, LIMITS, PATHS } from "./generated/contract";
import { markDown, type Region } from "./regions";

/** How an agent is: `unreachable` is said of its regions. */
export type Health = "ready" | "not_ready" | "unreachable";

/** Most regions asked, as for a chat. */
const MOST_TRIES = 2;
/** Largest answer of a gateway read, in bytes. */
const ANSWER_BYTES = 1024;
/** Most agents remembered; the oldest goes first. */
const KEPT = 10_000;

/** What this isolate has heard lately: agent -> how it is, and until when (ms) that may be told. */
const heard = new Map<string, { readonly health: Health; readonly until: number }>();

/** How an agent is, told again for HEALTH_CACHE_S: `ask` is called no more often, however many want to know. */
export async function rememberedHealth(agent: string, ask: () => Promise<Health>): Promise<Health> {
  const known = heard.get(agent);
  if (known !== undefined && known.until > Date.now()) {
    return known.health;
  }
  const health = await ask();
  heard.delete(agent);
  heard.set(agent, { health, until: Date.now() + EDGE.HEALTH_CACHE_S * 1000 });
  const oldest = heard.keys().next();
  if (heard.size > KEPT && !oldest.done) {
    heard.delete(oldest.value);
  }
  return health;
}

/** Asks an agent's regions in turn, as a chat would, until one says that the agent is ready there. */
export async function askHealth(regions: readonly Region[], headers: Record<string, string>): Promise<Health> {
  let worst: Health = "unreachable";
  for (const region of regions.slice(0, MOST_TRIES)) {
    const health = await askRegion(region, headers);
    if (health === "ready") {
      return health;
    }
    worst = health === "not_ready" ? health : worst;
  }
  return worst;
}

async function askRegion({ name, origin }: Region, headers: Record<string, string>): Promise<Health> {
  try {
    const signal = AbortSignal.timeout(LIMITS.CONNECT_S * 1000);
    const answer = await fetch(new Request(`${origin}${PATHS.HEALTH}`, { headers }), { signal, redirect: "manual" });
    const body = answer.body === null ? null : await readAtMost(answer.body, ANSWER_BYTES);
    if (answer.ok && body !== null && parseObject(body)?.status === "ready") {
      return "ready";
    }
    // A gateway's own word; of a proxy on the way nothing follows for the agent.
    return answer.headers.has(HEADERS.NOT_PASSED_ON) ? "not_ready" : "unreachable";
  } catch {
    markDown(name);
    return "unreachable";
  }
}
