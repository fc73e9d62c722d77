import { createMiddleware } from "hono/factory";
import type { Edge } from "../../env";
import { EDGE, ERRORS } from "../../generated/contract";
import { readOrigin, readRoute } from "../../records";
import { RefusedError } from "../../refused";
import { mayReach, mayRun } from "../../scopes";

/**
 * Finds the agent's region, or refuses a request for an agent the caller may not reach.
 *
 * Only the caller's own tenant is ever looked up, whichever the request names, and before it is decided whether the
 * caller may: neither the answer nor the work done for it depends on another tenant's agents.
 */
export const agentRoute = createMiddleware<Edge>(async (c, next) => {
  const { caller, asked } = c.var;
  const routes = c.env[EDGE.BINDING_ROUTES];
  const route = await readRoute(routes, caller.tenant, asked.agent);
  if (route === null || !mayReach(caller, asked) || !mayRun(caller, route.model)) {
    throw new RefusedError(ERRORS.AGENT_NOT_FOUND);
  }
  c.set("route", { agent: asked.agent, origin: await readOrigin(routes, route.region) });
  await next();
});
