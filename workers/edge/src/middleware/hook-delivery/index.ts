import { createMiddleware } from "hono/factory";
import type { Edge } from "../../env";
import { EDGE, ERRORS, HEADERS, HOOKS } from "../../generated/contract";
import { chatOf, hookCaller } from "../../hooks/chat";
import { isGenuine, isTimely, parseSigned, signedBytes } from "../../hooks/signature";
import { RefusedError } from "../../refused";
import { readHook } from "../../routing-records";
import { readBody } from "../agent-request";

const NAME = new RegExp(`^${EDGE.NAME_PATTERN}$`);

/**
 * Takes a webhook's delivery and makes a chat of it, its caller the hook; refuses one that was not signed, not lately, or
 * was taken before. A hook there is not is answered as a signature that does not fit.
 *
 * A delivery counts as taken before its chat begins: what fails after that is for its sender to sign and send anew.
 */
export const hookDelivery = createMiddleware<Edge>(async (c, next) => {
  const signed = parseSigned(c.req.header(HEADERS.HOOK_SIGNATURE) ?? "");
  const id = c.req.param("hook") ?? "";
  if (signed === null || !isTimely(signed) || !NAME.test(id)) {
    throw new RefusedError(ERRORS.INVALID_SIGNATURE);
  }
  const body = await readBody(c.req.raw);
  const bytes = signedBytes(signed, body);
  const hook = await readHook(c.env[EDGE.BINDING_TENANTS], id);
  if (hook === null || !(await isGenuine(c.env[EDGE.SECRET_PEPPER], { ...hook, id }, signed, bytes))) {
    throw new RefusedError(ERRORS.INVALID_SIGNATURE);
  }
  const { tenant, agent } = hook;
  c.set("caller", hookCaller({ tenant, hook: id, agent }));
  const text = decode(body);
  await take(c.env[HOOKS.BINDING_LEDGER], `${tenant}/${id}`, bytes, signed.timestamp);
  c.set("asked", { agent, streamed: false, body: chatOf(agent, text) });
  if (hook.deliver_to !== undefined) {
    c.set("later", { hook: id, text: body });
  }
  await next();
});

/** Raises RefusedError for a delivery that was taken before, and fails where nobody can tell. */
async function take(
  ledgers: Edge["Bindings"][typeof HOOKS.BINDING_LEDGER],
  hook: string,
  bytes: Uint8Array,
  timestamp: number,
): Promise<void> {
  // Of what is signed, not of the signature: one delivery has as many of those as the hook has live secrets.
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const until = (timestamp + HOOKS.TOLERANCE_S + 1) * 1000;
  if (!(await ledgers.getByName(hook).take(digest, until))) {
    throw new RefusedError(ERRORS.REPLAYED);
  }
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body);
  } catch {
    throw new RefusedError(ERRORS.INVALID_REQUEST, { message: "A delivery's body must be text in UTF-8." });
  }
}
