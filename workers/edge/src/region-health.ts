import { parseObject, readAtMost } from "./body";
import { EDGE, HEADERS, LIMITS, PATHS } from "./generated/contract";
import { Kept } from "./kept";
import { MOST_TRIES, markDown, type Region } from "./regions";

/** How an agent is: `unreachable` is said of its regions. */
export type Health = "ready" | "not_ready" | "unreachable";

/** Largest answer of a gateway read, in bytes. */
const ANSWER_BYTES = 1024;
/** Most agents remembered. */
const KEPT = 10_000;

/** What this isolate has heard of agents lately. */
const heard = new Kept<Health>(KEPT, EDGE.HEALTH_CACHE_S);

/** How an agent is, told again for HEALTH_CACHE_S. */
export async function rememberedHealth(agent: string, ask: () => Promise<Health>): Promise<Health> {
  const known = heard.get(agent);
  if (known !== null) {
    return known.value;
  }
  const health = await ask();
  heard.set(agent, health, Date.now());
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
  } catch (error) {
    // One that was only slow may be quick again.
    if (!(error instanceof DOMException && error.name === "TimeoutError")) {
      markDown(name);
    }
    return "unreachable";
  }
}
