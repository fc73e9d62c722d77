import { createMiddleware } from "hono/factory";
import type { Edge } from "../../env";
import { EDGE, ERRORS, HEADERS, LIMITS } from "../../generated/contract";
import { chatOf, hookCaller } from "../../hooks/chat";
import { isGenuine, isTimely, parseSigned, signedBytes } from "../../hooks/signature";
import { isName } from "../../names";
import { RefusedError } from "../../refused";
import { readHook } from "../../tenant-records";
import { readBody } from "../agent-request";

/**
 * Makes a chat of a webhook's delivery, its caller the hook; refuses one that was not signed, or not lately. A hook there is
 * not is answered as a signature that does not fit, though sooner: hooks' names are no secret, and no body is read for none.
 */
export const hookDelivery = createMiddleware<Edge>(async (c, next) => {
  const signed = parseSigned(c.req.header(HEADERS.HOOK_SIGNATURE) ?? "");
  const id = c.req.param("hook") ?? "";
  if (signed === null || !isTimely(signed) || !isName(id)) {
    throw new RefusedError(ERRORS.INVALID_SIGNATURE);
  }
  const hook = await readHook(c.env[EDGE.BINDING_TENANTS], id);
  if (hook === null) {
    throw new RefusedError(ERRORS.INVALID_SIGNATURE);
  }
  const body = await readBody(c.req.raw);
  const bytes = signedBytes(signed, body);
  if (!(await isGenuine(c.env[EDGE.SECRET_PEPPER], { ...hook, id }, signed, bytes))) {
    throw new RefusedError(ERRORS.INVALID_SIGNATURE);
  }
  const { tenant, agent } = hook;
  c.set("caller", hookCaller({ tenant, hook: id, agent }));
  const chat = chatOf(agent, decode(body));
  if (chat.byteLength > LIMITS.BODY_BYTES) {
    throw new RefusedError(ERRORS.TOO_LARGE);
  }
  c.set("asked", { agent, streamed: false, body: chat });
  // Of what is signed, not of the signature: one delivery has as many of those as the hook has live secrets.
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  c.set("delivery", { hook: `${tenant}/${id}`, digest, timestamp: signed.timestamp });
  if (hook.deliver_to !== undefined) {
    c.set("later", { hook: id, text: body });
  }
  await next();
});

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body);
  } catch {
    throw new RefusedError(ERRORS.INVALID_REQUEST, { message: "A delivery's body must be text in UTF-8." });
  }
}
