import { edgeTokens } from "./edge-token";
import type { Caller, Env } from "./env";
import { EDGE, HEADERS } from "./generated/contract";
import type { Question } from "./upstream";

/** What a region is asked for a caller, signed for this agent alone. */
export async function questionOf(
  env: Env,
  path: string,
  { tenant, key }: Caller,
  agent: string,
  request: string,
  body: Uint8Array,
): Promise<Question> {
  const tokens = await edgeTokens(env[EDGE.SECRET_SIGNING_KEY]);
  const token = await tokens.token({ tenant, key, agent, request });
  // Nothing of what the client sent but the body goes on. No hop compresses: it would hold back what it packs.
  const headers = {
    "accept-encoding": "identity",
    "content-type": "application/json",
    [HEADERS.EDGE_TOKEN]: token,
    [HEADERS.REQUEST_ID]: request,
  };
  return { path, headers, body };
}
