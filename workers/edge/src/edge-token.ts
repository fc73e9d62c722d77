import { importJWK, type JWK, SignJWT } from "jose";
import { audience, EDGE, TOKEN } from "./generated/contract";
import { Kept } from "./kept";
import { perSecret } from "./secrets";

/** Whom a token speaks for. `request` names the request it was signed for; others may use it after that one. */
export interface Claims {
  readonly tenant: string;
  readonly agent: string;
  readonly key: string;
  readonly request: string;
}

/** Most tokens kept; the oldest goes first. */
const KEPT_TOKENS = 10_000;
/** Seconds a token is signed with again: half its life is left then. */
const KEPT_S = TOKEN.LIFETIME_S / 2;

/** Signs edge tokens with one key. */
export class EdgeTokens {
  readonly #key: CryptoKey;
  readonly #kid: string;
  readonly #kept = new Kept<string>(KEPT_TOKENS, KEPT_S);

  private constructor(key: CryptoKey, kid: string) {
    this.#key = key;
    this.#kid = kid;
  }

  /** The signer for a private JWK (JSON). The error for one that cannot be used never quotes it. */
  static async load(secret: string): Promise<EdgeTokens> {
    try {
      const jwk = JSON.parse(secret) as JWK;
      const key = await importJWK(jwk, TOKEN.ALGORITHM);
      if (key instanceof Uint8Array || key.type !== "private" || !jwk.kid) {
        throw new TypeError("not a private key with a kid");
      }
      return new EdgeTokens(key, jwk.kid);
    } catch {
      throw new Error(`${EDGE.SECRET_SIGNING_KEY} is not a private Ed25519 JWK with a kid`);
    }
  }

  /** A token that is good for at least half its life: one already signed for this key and agent, or a new one. */
  async token(claims: Claims): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const slot = `${audience(claims.tenant, claims.agent)} ${claims.key}`;
    const kept = this.#kept.get(slot);
    if (kept !== null) {
      return kept.value;
    }
    const token = await this.#sign(claims, now, now + TOKEN.LIFETIME_S);
    this.#kept.set(slot, token, now * 1000);
    return token;
  }

  async #sign(claims: Claims, issued: number, expires: number): Promise<string> {
    return await new SignJWT({
      [TOKEN.CLAIM_TENANT]: claims.tenant,
      [TOKEN.CLAIM_KEY]: claims.key,
      [TOKEN.CLAIM_REQUEST]: claims.request,
    })
      .setProtectedHeader({ alg: TOKEN.ALGORITHM, kid: this.#kid, typ: "JWT" })
      .setIssuer(TOKEN.ISSUER)
      .setAudience(audience(claims.tenant, claims.agent))
      .setIssuedAt(issued)
      .setExpirationTime(expires)
      .sign(this.#key);
  }
}

/** The signer of the Worker's current signing key. */
export const edgeTokens = perSecret(EdgeTokens.load);
