import { createMiddleware } from "hono/factory";
import type { Edge } from "../../env";
import { EDGE, ERRORS } from "../../generated/contract";
import { readCaller } from "../../records";
import { RefusedError } from "../../refused";
import { perSecret } from "../../secrets";

const BEARER = /^Bearer +(\S+)$/i;
const API_KEY = new RegExp(`^${EDGE.API_KEY_PATTERN}$`);
const UTF8 = new TextEncoder();

const pepperKey = perSecret(
  async (pepper) =>
    await crypto.subtle.importKey("raw", UTF8.encode(pepper), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]),
);

/** The only form of an API key that is stored: HMAC-SHA256 under the pepper, in hex. */
export async function hashApiKey(pepper: string, apiKey: string): Promise<string> {
  const mac = await crypto.subtle.sign("HMAC", await pepperKey(pepper), UTF8.encode(apiKey));
  return Array.from(new Uint8Array(mac), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Finds out whose API key a request came with, or refuses it.
 *
 * A key is looked up by its keyed hash and never compared: how long that takes tells nothing of any other key, for
 * without the pepper nobody can choose a hash that is close to one.
 */
export const apiKey = createMiddleware<Edge>(async (c, next) => {
  const given = BEARER.exec(c.req.header("authorization") ?? "")?.[1] ?? "";
  if (!API_KEY.test(given)) {
    throw new RefusedError(ERRORS.INVALID_KEY);
  }
  const hash = await hashApiKey(c.env[EDGE.SECRET_PEPPER], given);
  const caller = await readCaller(c.env[EDGE.BINDING_KEYS], hash);
  if (caller === null) {
    throw new RefusedError(ERRORS.INVALID_KEY);
  }
  c.set("caller", caller);
  await next();
});
