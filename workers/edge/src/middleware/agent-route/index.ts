import { createMiddleware } from "hono/factory";
import type { AgentRequest, AgentRoute, Caller, Edge } from "../../env";
import { EDGE, ERRORS } from "../../generated/contract";
import { RefusedError } from "../../refused";
import { inOrder, type Place, placeOf, type Region } from "../../regions";
import { readRegion, readRoute } from "../../routing-table";
import { mayReach, mayRun } from "../../scopes";

/** Finds the agent's regions, or refuses a request for an agent the caller may not reach. */
export const agentRoute = createMiddleware<Edge>(async (c, next) => {
  c.set("route", await findRoute(c.env[EDGE.BINDING_ROUTES], c.get("caller"), c.get("asked"), placeOf(c.req.raw)));
  await next();
});

/**
 * The way to an agent for who comes from `place`. Raises RefusedError: for an agent the caller may not reach as for one
 * there is not, and for one that no region takes requests for.
 *
 * Only the caller's own tenant is ever looked up, whichever the request names, and before it is decided whether the
 * caller may: neither the answer nor the work done for it depends on another tenant's agents.
 */
export async function findRoute(
  routes: KVNamespace,
  caller: Caller,
  asked: Pick<AgentRequest, "agent" | "tenant">,
  place: Place,
): Promise<AgentRoute> {
  const route = await readRoute(routes, caller.tenant, asked.agent);
  if (route === null || !mayReach(caller, asked) || !mayRun(caller, route.model)) {
    throw new RefusedError(ERRORS.AGENT_NOT_FOUND);
  }
  const regions = route.state === EDGE.OPEN ? await readRegions(routes, route.regions) : [];
  if (regions.length === 0) {
    throw new RefusedError(ERRORS.NOT_READY, { headers: { "retry-after": String(RETRY_AFTER_S) } });
  }
  const model = route.model === undefined ? {} : { model: route.model };
  return { agent: asked.agent, ...model, regions: inOrder(regions, place) };
}

/** Seconds until a closed agent or region is worth asking for again: its record lives as long. */
const RETRY_AFTER_S = EDGE.KV_CACHE_S;

/** The regions that take requests. One whose record cannot be used costs the agent no other; if it is the only one, raises. */
async function readRegions(routes: KVNamespace, names: readonly string[]): Promise<Region[]> {
  const found = await Promise.allSettled(names.map((name) => readRegion(routes, name)));
  const good = found.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const broken = found.find((each) => each.status === "rejected");
  if (good.length === 0 && broken !== undefined) {
    throw broken.reason;
  }
  return good.filter((region) => region !== null);
}
