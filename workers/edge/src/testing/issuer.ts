import { base64url, decodeProtectedHeader, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import type { EDGE } from "../generated/contract";

export type Algorithm = (typeof EDGE.JWT_ALGORITHMS)[number];

/** A tenant's issuer of tokens: its keys, and the key set it publishes. */
export class TestIssuer {
  readonly name: string;
  readonly jwks: string;
  readonly algorithm: Algorithm;
  readonly #keys = new Map<string, CryptoKey>();
  published: JWK[] = [];

  private constructor(algorithm: Algorithm) {
    // A name of its own each time, a letter away from no other: key sets stay in the Worker's memory.
    this.name = `https://login-${crypto.randomUUID()}.acme.example/`;
    this.jwks = `${this.name}.well-known/jwks.json`;
    this.algorithm = algorithm;
  }

  /** An issuer with one key, `one`, published. */
  static async start(algorithm: Algorithm = "ES256"): Promise<TestIssuer> {
    const issuer = new TestIssuer(algorithm);
    issuer.published = [await issuer.newKey("one")];
    return issuer;
  }

  /** A new key to sign with; its public half, not yet published. */
  async newKey(kid: string): Promise<JWK> {
    const { privateKey, publicKey } = await generateKeyPair(this.algorithm, { extractable: true });
    this.#keys.set(kid, privateKey);
    return { ...(await exportJWK(publicKey)), kid, alg: this.algorithm, use: "sig" };
  }

  /** The program's record of this issuer. */
  record(changes: object = {}): object {
    return {
      tenant: "acme",
      key: "login",
      issuer: this.name,
      jwks: this.jwks,
      algorithm: this.algorithm,
      audience: "agents",
      scope_claim: "scope",
      ...changes,
    };
  }

  /** What a good token of this issuer's says now. */
  claims(): JWTPayload {
    const now = Math.floor(Date.now() / 1000);
    return { iss: this.name, aud: "agents", sub: "ada", scope: "openid agent:helper", iat: now, exp: now + 300 };
  }

  /** A token; `claims` and `header` change a good one, and undefined takes out. */
  async token(claims: object = {}, header: object = {}, kid = "one"): Promise<string> {
    const key = this.#keys.get(kid);
    if (key === undefined) {
      throw new Error(`there is no key ${kid}`);
    }
    return await new SignJWT({ ...this.claims(), ...claims })
      .setProtectedHeader({ alg: this.algorithm, kid, ...header })
      .sign(key);
  }
}

/** A token under another header; its signature stays as it was. */
export function relabelled(token: string, header: object): string {
  const [, payload, signature] = token.split(".");
  const whole = { ...decodeProtectedHeader(token), ...header };
  return [base64url.encode(JSON.stringify(whole)), payload, signature].join(".");
}
