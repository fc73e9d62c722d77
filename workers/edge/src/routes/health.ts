import { etag } from "hono/etag";
import { createFactory } from "hono/factory";
import { edgeTokens } from "../edge-token";
import type { Edge } from "../env";
import { audience, EDGE, ERRORS, HEADERS } from "../generated/contract";
import { findRoute } from "../middleware/agent-route";
import { authenticate } from "../middleware/authenticate";
import { limits } from "../middleware/limits";
import { wall } from "../middleware/wall";
import { isName } from "../names";
import { RefusedError } from "../refused";
import { askHealth, type Health, rememberedHealth } from "../region-health";
import { placeOf } from "../regions";

const REFUSED = { not_ready: ERRORS.NOT_READY, unreachable: ERRORS.UPSTREAM_FAILED } as const;

/** Whether an agent would take a request now: says so, or refuses as the request would be refused. */
export const health = createFactory<Edge>().createHandlers(
  authenticate("health"),
  wall,
  limits,
  etag({ weak: true }),
  async (c) => {
    const { caller, requestId } = c.var;
    const agent = c.req.param("agent") ?? "";
    if (!isName(agent)) {
      throw new RefusedError(ERRORS.AGENT_NOT_FOUND);
    }
    const route = await findRoute(c.env[EDGE.BINDING_ROUTES], caller, { agent }, placeOf(c.req.raw));
    c.set("route", route);
    const status: Health = await rememberedHealth(audience(caller.tenant, agent), async () => {
      const tokens = await edgeTokens(c.env[EDGE.SECRET_SIGNING_KEY]);
      const token = await tokens.token({ ...caller, agent, request: requestId });
      return await askHealth(route.regions, { [HEADERS.EDGE_TOKEN]: token, [HEADERS.REQUEST_ID]: requestId });
    });
    if (status !== "ready") {
      throw new RefusedError(REFUSED[status], { headers: { "retry-after": String(EDGE.HEALTH_CACHE_S) } });
    }
    const model = route.model === undefined ? {} : { model: route.model };
    const headers = { "cache-control": `private, max-age=${EDGE.HEALTH_CACHE_S}`, vary: "authorization" };
    return c.json({ object: "agent.health", id: agent, status, ...model }, 200, headers);
  },
);
