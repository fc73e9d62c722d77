import type { Context } from "hono";
import { createFactory } from "hono/factory";
import type { Edge, Operation } from "../env";
import { PATHS } from "../generated/contract";
import { agentRequest } from "../middleware/agent-request";
import { agentRoute } from "../middleware/agent-route";
import { authenticate } from "../middleware/authenticate";
import { deliverLater } from "../middleware/deliver-later";
import { firstTime } from "../middleware/first-time";
import { hookDelivery } from "../middleware/hook-delivery";
import { limits } from "../middleware/limits";
import { wall } from "../middleware/wall";
import { askRegions } from "../onward";
import { questionOf } from "../question";

/** What an agent answers itself, at the same path all the way. */
type AgentPath = typeof PATHS.CHAT_COMPLETIONS | typeof PATHS.RESPONSES;

const OPERATIONS: Record<AgentPath, Operation> = { [PATHS.CHAT_COMPLETIONS]: "chat", [PATHS.RESPONSES]: "responses" };

const factory = createFactory<Edge>();

/** A request's whole way to an agent: who asks, which agent, where it lives, and the answer streamed back. */
export const askAgent = (path: AgentPath) =>
  factory.createHandlers(authenticate(OPERATIONS[path]), wall, agentRequest, limits, agentRoute, onward(path));

/** A webhook's delivery, as a chat of the agent the hook names: answered at once, or later to the hook's receiver. */
export const deliverHook = factory.createHandlers(
  hookDelivery,
  wall,
  limits,
  agentRoute,
  firstTime,
  deliverLater,
  onward(PATHS.CHAT_COMPLETIONS),
);

/** Sends what is asked on to the agent's regions, signed for this agent alone. */
function onward(path: AgentPath) {
  return async (c: Context<Edge>): Promise<Response> => {
    const [requestId, route] = [c.get("requestId"), c.get("route")];
    const question = await questionOf(c.env, path, c.get("caller"), route.agent, requestId, c.get("asked").body);
    const client = c.req.raw.signal;
    return await askRegions(route.regions, question, {
      client,
      asks: (region) => c.set("region", region),
      broke: (error) => {
        const outcome = client.aborted ? "client_gone" : "upstream_broke";
        console.log(JSON.stringify({ event: "stream_end", request_id: requestId, outcome, reason: String(error) }));
      },
    });
  };
}
