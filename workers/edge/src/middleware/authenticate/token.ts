import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import { type Issuer, readIssuer } from "../../credential-records";
import type { Caller } from "../../env";
import { EDGE, ERRORS } from "../../generated/contract";
import { hex } from "../../hex";
import { KeySetError, keySet } from "../../key-set";
import { RefusedError } from "../../refused";
import { scopesOf } from "../../scopes";

/** Longest token read, in characters, and longest name of an issuer: one that fits into a key of KV. */
const TOKEN_CHARS = 8192;
const ISSUER_CHARS = 256;
/** Bytes of a subject's hash that stand for it: nobody makes two subjects of one name. */
const SUBJECT_BYTES = 16;
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Whether a bearer's credential is a signed token by its looks. */
export function looksLikeToken(text: string): boolean {
  return text.length <= TOKEN_CHARS && TOKEN.test(text);
}

/**
 * Whom a tenant's issuer says this token is of, or a refusal.
 *
 * What an unverified token says only chooses the issuer: the record of that name says which tenant, which key set and
 * which algorithm, and the token is held to them.
 */
export async function callerOfToken(token: string, tenants: KVNamespace): Promise<Caller> {
  const issuer = await issuerOf(token, tenants);
  const payload = await verified(token, issuer);
  return {
    tenant: issuer.tenant,
    key: `${issuer.key}:${await subjectHash(String(payload.sub))}`,
    ...scopesOf(words(payload[issuer.scope_claim])),
  };
}

async function issuerOf(token: string, tenants: KVNamespace): Promise<Issuer> {
  const { iss } = decoded(() => decodeJwt(token));
  const { kid } = decoded(() => decodeProtectedHeader(token));
  if (typeof kid !== "string" || kid === "") {
    throw refused("the token names no key");
  }
  if (typeof iss !== "string" || iss === "" || new TextEncoder().encode(iss).length > ISSUER_CHARS) {
    throw refused("the token names no issuer");
  }
  const issuer = await readIssuer(tenants, iss);
  if (issuer === null) {
    throw refused("no tenant has the token's issuer");
  }
  return issuer;
}

function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch {
    throw refused("the token is malformed");
  }
}

async function verified(token: string, issuer: Issuer): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keySet(issuer.jwks), {
      issuer: issuer.issuer,
      audience: issuer.audience,
      algorithms: [issuer.algorithm],
      clockTolerance: EDGE.JWT_LEEWAY_S,
      requiredClaims: ["exp"],
    });
    if (typeof payload.sub !== "string" || payload.sub === "") {
      throw refused("the token names no subject");
    }
    return payload;
  } catch (error) {
    if (error instanceof KeySetError) {
      throw new RefusedError(ERRORS.KEYS_UNAVAILABLE, { cause: error, headers: { "retry-after": "5" } });
    }
    if (error instanceof RefusedError) {
      throw error;
    }
    throw error instanceof errors.JWTExpired ? refused(error.code, "The token has expired.") : refused(codeOf(error));
  }
}

/** Why a token is not believed, for the log: never a word of the token itself. */
function codeOf(error: unknown): string {
  return error instanceof errors.JOSEError ? error.code : "the issuer's key cannot be used";
}

function refused(reason: string, message = "The token is not valid."): RefusedError {
  return new RefusedError(ERRORS.INVALID_KEY, { message, cause: new Error(reason) });
}

/** A scope claim is text with blanks between its words (RFC 8693), or a list of them. */
function words(claim: unknown): string[] {
  const list: unknown[] = typeof claim === "string" ? claim.split(" ") : Array.isArray(claim) ? claim : [];
  return list.filter((word) => typeof word === "string");
}

/** A subject's name in logs, limits and sessions: the same for the same subject, and nothing personal. */
async function subjectHash(subject: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(subject));
  return hex(new Uint8Array(digest, 0, SUBJECT_BYTES));
}
