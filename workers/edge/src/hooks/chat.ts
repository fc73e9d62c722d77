import { parseObject, readAtMost } from "../body";
import type { Caller, Env } from "../env";
import { EDGE, ERRORS, HEADERS, HOOKS, LIMITS, PATHS } from "../generated/contract";
import { charge, logLost } from "../limiter/client";
import { shardsOf, type Usage } from "../limiter/rules";
import { findRoute } from "../middleware/agent-route";
import { askRegions } from "../onward";
import { questionOf } from "../question";
import { RefusedError } from "../refused";
import { readTenant } from "../tenant-records";
import { parseUsage, tokensOf } from "../usage";
import type { Delivery } from "./queue";

const UTF8 = new TextEncoder();

/** Who asks when a hook does: it reaches the one agent it is for. */
export function hookCaller({ tenant, hook, agent }: Omit<Delivery, "id">): Caller {
  return { tenant, key: `hook:${hook}`, agents: [agent] };
}

/** A chat whose user says `text`. */
export function chatOf(agent: string, text: string): Uint8Array {
  return UTF8.encode(JSON.stringify({ model: agent, messages: [{ role: "user", content: text }] }));
}

/** What a receiver is sent: the agent's answer, or why there is none. */
export async function runChat(env: Env, delivery: Delivery, text: Uint8Array): Promise<Uint8Array> {
  const client = AbortSignal.timeout(HOOKS.CHAT_S * 1000);
  try {
    const response = await askAgent(env, delivery, new TextDecoder().decode(text), client);
    // One that says nothing has read what it was asked all the same.
    const unsaid = { read: response.ok ? tokensOf(text) : 0, made: 0 };
    await count(env, delivery, parseUsage(response.headers.get(HEADERS.USAGE)) ?? unsaid);
    return report(delivery, response.status, await readAnswer(response));
  } catch (error) {
    const refused = error instanceof RefusedError ? error : new RefusedError(ERRORS.UPSTREAM_FAILED, { cause: error });
    return failed(delivery, client.aborted ? new RefusedError(ERRORS.UPSTREAM_TIMEOUT) : refused);
  }
}

/** What a receiver is sent of a chat that failed. */
export function failed(delivery: Delivery, error: RefusedError): Uint8Array {
  return report(delivery, error.kind.status, error.body());
}

/** An answer that is an error in OpenAI's shape says so by its only field. */
function report({ id, hook, agent }: Delivery, status: number, answer: object): Uint8Array {
  const result = status < 400 ? { answer } : answer;
  return UTF8.encode(JSON.stringify({ id, hook, agent, status, ...result }));
}

async function askAgent(env: Env, delivery: Delivery, text: string, client: AbortSignal): Promise<Response> {
  const { id, tenant, agent } = delivery;
  const caller = hookCaller(delivery);
  // An object is near to whoever first asked for it, which says nothing of who asks now.
  const route = await findRoute(env[EDGE.BINDING_ROUTES], caller, { agent }, {});
  const question = await questionOf(env, PATHS.CHAT_COMPLETIONS, caller, agent, id, chatOf(agent, text));
  const broke = (error: unknown): void =>
    console.log(JSON.stringify({ event: "chat_broke", request_id: id, tenant, reason: String(error) }));
  return await askRegions(route.regions, question, { client, asks: () => undefined, broke });
}

async function readAnswer({ body }: Response): Promise<object> {
  const bytes = body === null ? null : await readAtMost(body, LIMITS.BODY_BYTES);
  const answer = bytes === null ? null : parseObject(bytes);
  if (answer === null) {
    throw new RefusedError(ERRORS.UPSTREAM_FAILED, { message: "The agent's answer is too large, or no JSON object." });
  }
  return answer;
}

/** Its admission ended when the delivery was taken, before anybody knew what the answer would take. */
async function count(env: Env, delivery: Delivery, usage: Usage): Promise<void> {
  const { id, tenant } = delivery;
  try {
    const { limits } = await readTenant(env[EDGE.BINDING_TENANTS], tenant);
    const { key } = hookCaller(delivery);
    await charge(env, { tenant, key, limits, shards: shardsOf(limits), metered: true }, usage);
  } catch (error) {
    logLost(id, tenant, usage, error);
  }
}
