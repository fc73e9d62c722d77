const UTF8 = new TextEncoder();

/**
 * Remembers what was made of the last secret given, so that each request need not import it again and a rotated secret
 * takes effect at once. The value is kept, never the promise: one request must not wait for another's.
 */
export function perSecret<T>(make: (secret: string) => Promise<T>): (secret: string) => Promise<T> {
  let last: { readonly secret: string; readonly value: T } | undefined;
  return async (secret) => {
    if (last?.secret === secret) {
      return last.value;
    }
    const value = await make(secret);
    last = { secret, value };
    return value;
  };
}

/** The pepper as the key of an HMAC. */
export const pepperKey = perSecret(
  async (pepper) =>
    await crypto.subtle.importKey("raw", UTF8.encode(pepper), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]),
);
