import type { AgentRequest, Caller, Operation } from "./env";
import { EDGE } from "./generated/contract";

/** Whether a caller may reach the agent a request names: one of its own tenant, and of those it is for. */
export function mayReach(
  caller: Caller,
  { agent, tenant = caller.tenant }: Pick<AgentRequest, "agent" | "tenant">,
): boolean {
  return tenant === caller.tenant && (caller.agents.includes(EDGE.ALL_AGENTS) || caller.agents.includes(agent));
}

/** Whether a caller may have an agent that runs `model`; a caller for some models may have none of an unknown one. */
export function mayRun(caller: Caller, model: string | undefined): boolean {
  return caller.models === undefined || (model !== undefined && caller.models.includes(model));
}

/** Whether a caller may ask for this at all. */
export function mayDo(caller: Caller, operation: Operation): boolean {
  return caller.methods === undefined || caller.methods.includes(operation);
}

/** What a token's scopes allow: `agent:<name>` or `agent:*`, `model:<name>`, `method:<operation>`. Other words are others'. */
export function scopesOf(words: readonly string[]): Pick<Caller, "agents" | "models" | "methods"> {
  const named = (kind: string) =>
    words.filter((word) => word.startsWith(`${kind}:`)).map((word) => word.slice(kind.length + 1));
  const models = named("model");
  const methods = named("method");
  return {
    agents: named("agent"),
    ...(models.length === 0 ? {} : { models }),
    ...(methods.length === 0 ? {} : { methods: EDGE.OPERATIONS.filter((operation) => methods.includes(operation)) }),
  };
}
