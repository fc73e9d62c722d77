import { importJWK, type JWK, SignJWT } from "jose";
import { audience, EDGE, TOKEN } from "./generated/contract";
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
const MIN_LEFT_S = TOKEN.LIFETIME_S / 2;

/** Signs edge tokens with one key. */
export class EdgeTokens {
  readonly #key: CryptoKey;
  readonly #kid: string;
  readonly #kept = new Map<string, { readonly token: string; readonly expires: number }>();

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
    if (kept !== undefined && kept.expires - now > MIN_LEFT_S) {
      return kept.token;
    }
    const expires = now + TOKEN.LIFETIME_S;
    const token = await this.#sign(claims, now, expires);
    this.#keep(slot, { token, expires });
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

  #keep(slot: string, entry: { readonly token: string; readonly expires: number }): void {
    this.#kept.delete(slot);
    this.#kept.set(slot, entry);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > KEPT_TOKENS && !oldest.done) {
      this.#kept.delete(oldest.value);
    }
  }
}

/** The signer of the Worker's current signing key. */
export const edgeTokens = perSecret(EdgeTokens.load);
