import { createMiddleware } from "hono/factory";
import ipaddr from "ipaddr.js";
import type { Credential } from "../../credential-records";
import type { Edge, Env, Operation } from "../../env";
import { EDGE, ERRORS } from "../../generated/contract";
import { RefusedError } from "../../refused";
import { mayDo } from "../../scopes";
import { callerOfApiKey } from "./api-key";
import { callerOfCertificate, certificateOf } from "./certificate";
import { callerOfToken, looksLikeToken } from "./token";

const BEARER = /^Bearer +(\S+)$/i;
/** What Cloudflare says the client's address is; it lets no client say so itself. */
const CLIENT_ADDRESS = "cf-connecting-ip";

/** Finds out who asks by the one credential the request came with, and refuses whoever may not ask for this. */
export const authenticate = (operation: Operation) =>
  createMiddleware<Edge>(async (c, next) => {
    const caller = await identify(c.req.raw, c.env);
    // From here on the log can say whose request is refused.
    c.set("caller", caller);
    if (caller.expires !== undefined && caller.expires * 1000 <= Date.now()) {
      throw new RefusedError(ERRORS.INVALID_KEY, { message: "These credentials have expired." });
    }
    if (!mayComeFrom(caller, c.req.header(CLIENT_ADDRESS))) {
      throw new RefusedError(ERRORS.FORBIDDEN, { message: "These credentials are not for use from this address." });
    }
    if (!mayDo(caller, operation)) {
      throw new RefusedError(ERRORS.FORBIDDEN, { message: `These credentials are not for \`${operation}\`.` });
    }
    await next();
  });

async function identify(request: Request, env: Env): Promise<Credential> {
  const authorization = authorizationOf(request);
  const certificate = env[EDGE.BINDING_CLIENT_CERTIFICATES] === undefined ? null : certificateOf(request);
  if (authorization?.includes(",") || (authorization !== null && certificate !== null)) {
    throw new RefusedError(ERRORS.INVALID_REQUEST, {
      message: "The request came with more than one credential. Send an API key, a token or a client certificate.",
    });
  }
  if (certificate !== null) {
    return await callerOfCertificate(certificate, request.headers, env[EDGE.BINDING_TENANTS]);
  }
  const bearer = BEARER.exec(authorization ?? "")?.[1] ?? "";
  return looksLikeToken(bearer)
    ? await callerOfToken(bearer, env[EDGE.BINDING_TENANTS])
    : await callerOfApiKey(bearer, env[EDGE.BINDING_KEYS], env[EDGE.SECRET_PEPPER]);
}

/** The `authorization` header; null when there is none, or an empty one, for some SDKs cannot leave it out. */
function authorizationOf(request: Request): string | null {
  const header = request.headers.get("authorization")?.trim() ?? "";
  return header === "" || header.toLowerCase() === "bearer" ? null : header;
}

/** Whether credentials that name ranges of addresses may be used from this one; of an unknown one they may not. */
function mayComeFrom({ cidrs }: Credential, address: string | undefined): boolean {
  if (cidrs === undefined) {
    return true;
  }
  if (address === undefined || !ipaddr.isValid(address)) {
    return false;
  }
  // An IPv4 address written as IPv6 is the IPv4 address.
  const client = ipaddr.process(address);
  return cidrs.some(([network, bits]) => client.kind() === network.kind() && client.match(network, bits));
}
