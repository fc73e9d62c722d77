import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { AgentRequest, Edge } from "../../env";
import { EDGE, ERRORS, HEADERS } from "../../generated/contract";
import { type Admitted, admit, LimiterDownError } from "../../limiter/client";
import type { Rate, Verdict } from "../../limiter/keeper";
import { type Ask, type Limits, type Reason, shardsOf } from "../../limiter/rules";
import { RefusedError } from "../../refused";
import { placeOf } from "../../regions";
import { isEventStream } from "../../stream";
import { readTenant } from "../../tenant-records";
import { parseUsage, tokensOf, UsageWatch } from "../../usage";
import { metered } from "./metered";

/** Seconds after which to ask again where only time can help and nobody knows how much. */
const RETRY_S = 5;
const MESSAGES: Record<Exclude<Reason, "quota">, string> = {
  rate: "Too many requests: the limit of this key or its tenant is reached.",
  streams: "Too many streams at once: the limit of this key or its tenant is reached.",
};

/**
 * Lets a request through as far as its key's and its tenant's limits allow, and counts at its end what it took.
 *
 * While the exact limiter is down, a tenant with a quota is refused, for nobody knows what is left of it; any other is
 * let through up to the coarse wall, which it has passed by then.
 */
export const limits = createMiddleware<Edge>(async (c, next) => {
  const { limits } = await readTenant(c.env[EDGE.BINDING_TENANTS], c.get("caller").tenant);
  const { verdict, admitted } = await askExactly(c, limits);
  if (verdict?.refused !== undefined) {
    throw refusal(verdict, verdict.refused);
  }
  await next();
  if (verdict !== undefined) {
    for (const [name, value] of Object.entries(rateHeaders(verdict.rate))) {
      c.res.headers.set(name, value);
    }
  }
  settleAtTheEnd(c, admitted);
});

async function askExactly(c: Context<Edge>, limits: Limits): Promise<{ verdict?: Verdict; admitted?: Admitted }> {
  // What is asked of no agent has no body.
  const asked = c.get("asked") as AgentRequest | undefined;
  const [caller, requestId] = [c.get("caller"), c.get("requestId")];
  const ask: Ask = {
    tenant: caller.tenant,
    key: caller.key,
    limits,
    shards: shardsOf(limits),
    ...(caller.limits === undefined ? {} : { own: caller.limits }),
    ...(asked?.streamed === true ? { lease: requestId } : {}),
    metered: asked !== undefined,
  };
  try {
    return await admit(c.env, ask, placeOf(c.req.raw).colo ?? "", requestId);
  } catch (error) {
    if (!(error instanceof LimiterDownError)) {
      throw error;
    }
    const closed = ask.metered && (limits.tokens_month !== undefined || limits.spend_month !== undefined);
    const decision = closed ? "closed" : "open";
    console.log(
      JSON.stringify({
        event: "limiter_down",
        request_id: requestId,
        tenant: caller.tenant,
        decision,
        reason: error.message,
      }),
    );
    if (closed) {
      throw new RefusedError(ERRORS.LIMITER_DOWN, { headers: { "retry-after": String(RETRY_S) }, cause: error });
    }
    return {};
  }
}

function refusal({ rate, retryMs }: Verdict, reason: Reason): RefusedError {
  const headers = { ...rateHeaders(rate), "retry-after": seconds(retryMs) };
  if (reason === "quota") {
    // OpenAI's SDKs would ask a few times more all the same: none of them waits for a month.
    return new RefusedError(ERRORS.QUOTA_EXCEEDED, { headers: { ...headers, "x-should-retry": "false" } });
  }
  return new RefusedError(ERRORS.RATE_LIMITED, { message: MESSAGES[reason], headers });
}

/** What the limits say in an answer's headers, of which a page may read all. */
export const LIMIT_HEADERS = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "x-should-retry"] as const;

/** As draft-ietf-httpapi-ratelimit-headers-06 has them, the last that gives each its own field; later drafts join them. */
function rateHeaders({ limit, remaining, resetMs }: Rate): Record<string, string> {
  return {
    "ratelimit-limit": String(limit),
    "ratelimit-remaining": String(remaining),
    "ratelimit-reset": seconds(resetMs),
  };
}

function seconds(milliseconds: number): string {
  return String(Math.ceil(milliseconds / 1000));
}

/** What the door said of the usage ends here. */
function settleAtTheEnd(c: Context<Edge>, admitted: Admitted | undefined): void {
  const { headers } = c.res;
  const usage = parseUsage(headers.get(HEADERS.USAGE));
  headers.delete(HEADERS.USAGE);
  if (admitted === undefined) {
    return;
  }
  const asked = c.get("asked") as AgentRequest | undefined;
  const prompt = asked === undefined ? 0 : tokensOf(asked.body);
  const body = isEventStream(headers) ? c.res.body : null;
  if (body === null) {
    const unsaid = { read: wasTaken(c) ? prompt : 0, made: 0 };
    c.executionCtx.waitUntil(admitted.settle(usage ?? unsaid));
    return;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  c.executionCtx.waitUntil(promise);
  const watch = new UsageWatch(prompt);
  const answer = new Response(metered(body, watch, admitted, c.req.raw.signal, resolve), c.res);
  // Emptied first: else hono makes another answer, to join both's headers.
  c.res = undefined;
  c.res = answer;
}

/** Whether an agent has had the prompt though nobody says what it took: it answered, or the client left it to answer nobody. */
function wasTaken(c: Context<Edge>): boolean {
  return c.get("region") !== undefined && (c.res.ok || c.req.raw.signal.aborted);
}
