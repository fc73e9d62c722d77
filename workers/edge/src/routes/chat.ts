import { createFactory } from "hono/factory";
import { edgeTokens } from "../edge-token";
import type { Edge } from "../env";
import { EDGE, HEADERS, PATHS } from "../generated/contract";
import { agentRoute } from "../middleware/agent-route";
import { apiKey } from "../middleware/api-key";
import { chatRequest } from "../middleware/chat-request";
import { ask } from "../upstream";

/** A chat's whole way: whose key, which agent, where it lives, and the answer streamed back. */
export const chat = createFactory<Edge>().createHandlers(apiKey, chatRequest, agentRoute, async (c) => {
  const { caller, chat: asked, requestId, route } = c.var;
  const tokens = await edgeTokens(c.env[EDGE.SECRET_SIGNING_KEY]);
  const token = await tokens.token({ ...caller, agent: route.agent, request: requestId });
  const request = new Request(`${route.origin}${PATHS.CHAT_COMPLETIONS}`, {
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
