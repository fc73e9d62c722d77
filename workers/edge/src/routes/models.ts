import { etag } from "hono/etag";
import { createFactory } from "hono/factory";
import type { Caller, Edge } from "../env";
import { EDGE } from "../generated/contract";
import { authenticate } from "../middleware/authenticate";
import { limits } from "../middleware/limits";
import { wall } from "../middleware/wall";
import { listAgents, readRoute } from "../routing-table";
import { mayRun } from "../scopes";

/** The agents this caller may name, each as one of OpenAI's models. No agent is asked. */
export const models = createFactory<Edge>().createHandlers(
  authenticate("models"),
  wall,
  limits,
  etag({ weak: true }),
  async (c) => {
    const { caller } = c.var;
    const agents = await reachable(caller, c.env[EDGE.BINDING_ROUTES]);
    // The SDKs demand a time; a route has none.
    const data = agents.map((id) => ({ id, object: "model", created: 0, owned_by: caller.tenant }));
    const headers = { "cache-control": `private, max-age=${EDGE.MODELS_CACHE_S}`, vary: "authorization" };
    return c.json({ object: "list", data }, 200, headers);
  },
);

/** Those that live somewhere, by name. What is listed costs reads of the caller's own agents alone. */
async function reachable(caller: Caller, routes: KVNamespace): Promise<string[]> {
  const all = caller.agents.includes(EDGE.ALL_AGENTS);
  const named = all ? await listAgents(routes, caller.tenant) : [...new Set(caller.agents)].sort();
  if (all && caller.models === undefined) {
    return named;
  }
  const known = await Promise.all(named.map(async (agent) => await readRoute(routes, caller.tenant, agent)));
  return named.filter((_, index) => mayRun(caller, known[index]?.model) && known[index] !== null);
}
