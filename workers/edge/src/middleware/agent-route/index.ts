import { createMiddleware } from "hono/factory";
import type { Caller, ChatRequest, Edge } from "../../env";
import { EDGE, ERRORS } from "../../generated/contract";
import { readOrigin, readRegion } from "../../records";
import { RefusedError } from "../../refused";

/**
 * Finds the agent's region, or refuses a request for an agent the caller may not reach.
 *
 * Only the caller's own tenant is ever looked up, whichever the request names, and before it is decided whether the
 * caller may: neither the answer nor the work done for it depends on another tenant's agents.
 */
export const agentRoute = createMiddleware<Edge>(async (c, next) => {
  const { caller, chat } = c.var;
  const routes = c.env[EDGE.BINDING_ROUTES];
  const region = await readRegion(routes, caller.tenant, chat.agent);
  if (region === null || !mayReach(caller, chat)) {
    throw new RefusedError(ERRORS.AGENT_NOT_FOUND);
  }
  c.set("route", { agent: chat.agent, origin: await readOrigin(routes, region) });
  await next();
});

function mayReach(caller: Caller, chat: ChatRequest): boolean {
  const own = chat.tenant === undefined || chat.tenant === caller.tenant;
  return own && (caller.agents.includes(EDGE.ALL_AGENTS) || caller.agents.includes(chat.agent));
}
