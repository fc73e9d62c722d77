import { createFactory } from "hono/factory";
import type { Caller, Edge } from "../env";
import { EDGE } from "../generated/contract";
import { apiKey } from "../middleware/api-key";
import { limits } from "../middleware/limits";
import { listAgents, readRegion } from "../records";

/** The agents this API key may name, each as one of OpenAI's models. No agent is asked. */
export const models = createFactory<Edge>().createHandlers(apiKey, limits, async (c) => {
  const { caller } = c.var;
  const agents = await reachable(caller, c.env[EDGE.BINDING_ROUTES]);
  // The SDKs demand a time; a route has none.
  const data = agents.map((id) => ({ id, object: "model", created: 0, owned_by: caller.tenant }));
  return c.json({ object: "list", data });
});

/** Those that live somewhere, by name. What a key lists costs reads of its own agents alone. */
async function reachable(caller: Caller, routes: KVNamespace): Promise<string[]> {
  if (caller.agents.includes(EDGE.ALL_AGENTS)) {
    return await listAgents(routes, caller.tenant);
  }
  const named = [...new Set(caller.agents)].sort();
  const regions = await Promise.all(named.map((agent) => readRegion(routes, caller.tenant, agent)));
  return named.filter((_, index) => regions[index] !== null);
}
