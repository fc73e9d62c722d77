import { createFactory } from "hono/factory";
import { edgeTokens } from "../edge-token";
import type { Edge } from "../env";
import { EDGE, HEADERS, type PATHS } from "../generated/contract";
import { agentRequest } from "../middleware/agent-request";
import { agentRoute } from "../middleware/agent-route";
import { apiKey } from "../middleware/api-key";
import { limits } from "../middleware/limits";
import { ask } from "../upstream";

/** What an agent answers itself, at the same path all the way. */
type AgentPath = typeof PATHS.CHAT_COMPLETIONS | typeof PATHS.RESPONSES;

/** A request's whole way to an agent: whose key, which agent, where it lives, and the answer streamed back. */
export const askAgent = (path: AgentPath) =>
  createFactory<Edge>().createHandlers(apiKey, agentRequest, limits, agentRoute, async (c) => {
    const { asked, caller, requestId, route } = c.var;
    const tokens = await edgeTokens(c.env[EDGE.SECRET_SIGNING_KEY]);
    const token = await tokens.token({ ...caller, agent: route.agent, request: requestId });
    const request = new Request(`${route.origin}${path}`, {
      method: "POST",
      // Nothing of what the client sent but the body goes on. No hop compresses: it would hold back what it packs.
      headers: {
        "accept-encoding": "identity",
        "content-type": "application/json",
        [HEADERS.EDGE_TOKEN]: token,
        [HEADERS.REQUEST_ID]: requestId,
      },
      body: asked.body,
    });
    const client = c.req.raw.signal;
    return await ask(request, client, (error) => {
      const outcome = client.aborted ? "client_gone" : "upstream_broke";
      console.log(JSON.stringify({ event: "stream_end", request_id: requestId, outcome, reason: String(error) }));
    });
  });
