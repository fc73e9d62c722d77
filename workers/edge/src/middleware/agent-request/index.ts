import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { parseObject, readAtMost } from "../../body";
import type { AgentRequest, Edge } from "../../env";
import { EDGE, ERRORS, LIMITS, PATHS } from "../../generated/contract";
import { RefusedError } from "../../refused";

const REFERENCE = new RegExp(`^(?:(?<tenant>${EDGE.NAME_PATTERN})/)?(?<agent>${EDGE.NAME_PATTERN})$`);

/** Reads the body, at most as much of it as may come, and finds out which agent it is for. */
export const agentRequest = createMiddleware<Edge>(async (c, next) => {
  const bytes = await readBody(c.req.raw);
  const body = parseObject(bytes);
  if (body === null) {
    throw new RefusedError(ERRORS.INVALID_REQUEST, { message: "The request body must be a JSON object." });
  }
  c.set("asked", chooseAgent(body, bytes, agentInPath(c)));
  await next();
});

/** The agent the path names. `completions` is OpenAI's word there, never an agent's name. */
function agentInPath(c: Context<Edge>): string | undefined {
  return c.req.path === PATHS.CHAT_COMPLETIONS ? undefined : c.req.param("agent");
}

/** A request's body. Raises RefusedError for one that is compressed or too large. */
export async function readBody(request: Request): Promise<Uint8Array> {
  if ((request.headers.get("content-encoding") ?? "identity") !== "identity") {
    throw new RefusedError(ERRORS.INVALID_REQUEST, { message: "A compressed request body is not supported." });
  }
  if (Number(request.headers.get("content-length") ?? 0) > LIMITS.BODY_BYTES) {
    throw new RefusedError(ERRORS.TOO_LARGE);
  }
  const bytes = await readAll(request);
  if (bytes === null) {
    throw new RefusedError(ERRORS.TOO_LARGE);
  }
  return bytes;
}

/** All of a body, or null when it is too large. One that told its length is read at once: the runtime holds it to that. */
async function readAll(request: Request): Promise<Uint8Array | null> {
  if (!request.headers.has("content-length")) {
    return request.body === null ? new Uint8Array() : await readAtMost(request.body, LIMITS.BODY_BYTES);
  }
  const bytes = new Uint8Array(await request.arrayBuffer());
  return bytes.byteLength > LIMITS.BODY_BYTES ? null : bytes;
}

/** The path names the agent, else `agent`, else `model`; what goes on names it as `model`, as OpenAI's API does. */
function chooseAgent(
  { agent: alias, ...body }: Record<string, unknown>,
  bytes: Uint8Array,
  fromPath: string | undefined,
): AgentRequest {
  const named = fromPath ?? alias;
  const param = named === undefined ? "model" : "agent";
  const reference = named ?? body.model;
  if (typeof reference !== "string" || reference === "") {
    throw new RefusedError(ERRORS.INVALID_REQUEST, { message: `\`${param}\` must name an agent.`, param });
  }
  const { tenant, agent } = REFERENCE.exec(reference)?.groups ?? {};
  if (agent === undefined) {
    throw new RefusedError(ERRORS.AGENT_NOT_FOUND);
  }
  const onward = named === undefined ? bytes : new TextEncoder().encode(JSON.stringify({ ...body, model: agent }));
  return { ...(tenant === undefined ? {} : { tenant }), agent, body: onward, streamed: body.stream === true };
}
