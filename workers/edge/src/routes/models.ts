import { etag } from "hono/etag";
import { createFactory } from "hono/factory";
import type { Caller, Edge } from "../env";
import { EDGE } from "../generated/contract";
import { apiKey } from "../middleware/api-key";
import { limits } from "../middleware/limits";
import { listAgents } from "../records";
import { readRoute } from "../routing-records";

/** The agents this API key may name, each as one of OpenAI's models. No agent is asked. */
export const models = createFactory<Edge>().createHandlers(apiKey, limits, etag({ weak: true }), async (c) => {
  const { caller } = c.var;
  const agents = await reachable(caller, c.env[EDGE.BINDING_ROUTES]);
  // The SDKs demand a time; a route has none.
  const data = agents.map((id) => ({ id, object: "model", created: 0, owned_by: caller.tenant }));
  const headers = { "cache-control": `private, max-age=${EDGE.MODELS_CACHE_S}`, vary: "authorization" };
  return c.json({ object: "list", data }, 200, headers);
});

/** Those that live somewhere, by name. What a key lists costs reads of its own agents alone. */
async function reachable(caller: Caller, routes: KVNamespace): Promise<string[]> {
  if (caller.agents.includes(EDGE.ALL_AGENTS)) {
    return await listAgents(routes, caller.tenant);
  }
  const named = [...new Set(caller.agents)].sort();
  const found = await Promise.all(named.map((agent) => readRoute(routes, caller.tenant, agent)));
  return named.filter((_, index) => found[index] !== null);
}
