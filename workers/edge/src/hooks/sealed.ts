import { outboxLabel } from "../generated/contract";

const UTF8 = new TextEncoder();
const CIPHER = "AES-GCM";
/** What AES-GCM takes (NIST SP 800-38D, 5.2.1.1); at random, for fewer than 2^32 messages under one key (8.3). */
const IV_BYTES = 12;

/** Encrypts what one hook's outbox holds under a key that follows from the pepper, which its storage has not. */
export class Sealer {
  readonly #key: CryptoKey;

  private constructor(key: CryptoKey) {
    this.#key = key;
  }

  /** The sealer of one hook (HKDF with SHA-256, RFC 5869; the label is its `info`). */
  static async of(pepper: string, tenant: string, hook: string): Promise<Sealer> {
    const secret = await crypto.subtle.importKey("raw", UTF8.encode(pepper), "HKDF", false, ["deriveKey"]);
    const info = UTF8.encode(outboxLabel(tenant, hook));
    const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
    const kind = { name: CIPHER, length: 256 };
    return new Sealer(await crypto.subtle.deriveKey(derivation, secret, kind, false, ["encrypt", "decrypt"]));
  }

  /** `text`, encrypted; it opens for the same `about` alone. */
  async seal(about: string, text: Uint8Array): Promise<Uint8Array> {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const sealed = await crypto.subtle.encrypt(parameters(iv, about), this.#key, text);
    const whole = new Uint8Array(IV_BYTES + sealed.byteLength);
    whole.set(iv);
    whole.set(new Uint8Array(sealed), IV_BYTES);
    return whole;
  }

  /** What was sealed. Raises for anything else, or once the pepper is another. */
  async open(about: string, sealed: Uint8Array): Promise<Uint8Array> {
    const iv = sealed.subarray(0, IV_BYTES);
    const text = await crypto.subtle.decrypt(parameters(iv, about), this.#key, sealed.subarray(IV_BYTES));
    return new Uint8Array(text);
  }
}

function parameters(iv: Uint8Array, about: string) {
  return { name: CIPHER, iv, additionalData: UTF8.encode(about) };
}
