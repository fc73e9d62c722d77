import { type Credential, readCaller } from "../../credential-records";
import { EDGE, ERRORS } from "../../generated/contract";
import { hex } from "../../hex";
import { RecordError } from "../../kv-reader";
import { RefusedError } from "../../refused";
import { pepperKey } from "../../secrets";

const API_KEY = new RegExp(`^${EDGE.API_KEY_PATTERN}$`);
const UTF8 = new TextEncoder();
/** The CRC-32 polynomial of ISO-HDLC, its bits mirrored. */
const POLYNOMIAL = 0xedb88320;

/** The only form of an API key that is stored: HMAC-SHA256 under the pepper, in hex. */
export async function hashApiKey(pepper: string, apiKey: string): Promise<string> {
  const mac = await crypto.subtle.sign("HMAC", await pepperKey(pepper), UTF8.encode(apiKey));
  return hex(new Uint8Array(mac));
}

/** The check an API key ends with: the CRC-32 of `text`, all that stands before it, in base 62. It is no secret. */
export function apiKeyCheck(text: string): string {
  let rest = crc32(UTF8.encode(text));
  let digits = "";
  for (let digit = 0; digit < EDGE.API_KEY_CHECK; digit += 1) {
    digits = EDGE.API_KEY_ALPHABET.charAt(rest % EDGE.API_KEY_ALPHABET.length) + digits;
    rest = Math.floor(rest / EDGE.API_KEY_ALPHABET.length);
  }
  return digits;
}

function crc32(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      // No branch: how well one is foreseen depends on the keys that came before.
      rest = (rest >>> 1) ^ (POLYNOMIAL & -(rest & 1));
    }
  }
  return ~rest >>> 0;
}

/**
 * Whose API key this is, or a refusal.
 *
 * A key with a typo is told by its check, before any look-up. Any other is looked up by its keyed hash and never
 * compared: how long that takes tells nothing of any other key, for without the pepper nobody can choose a hash that is
 * close to one. A key found under another tenant than the one it names was entered in the wrong place.
 */
export async function callerOfApiKey(apiKey: string, keys: KVNamespace, pepper: string): Promise<Credential> {
  const tenant = API_KEY.exec(apiKey)?.groups?.tenant;
  if (tenant === undefined || apiKeyCheck(apiKey.slice(0, -EDGE.API_KEY_CHECK)) !== apiKey.slice(-EDGE.API_KEY_CHECK)) {
    throw new RefusedError(ERRORS.INVALID_KEY);
  }
  const record = await readCaller(keys, await hashApiKey(pepper, apiKey));
  if (record === null) {
    throw new RefusedError(ERRORS.INVALID_KEY);
  }
  if (record.tenant !== tenant) {
    throw new RecordError(`${EDGE.BINDING_KEYS}: ${record.tenant}'s key ${record.key} is another tenant's`);
  }
  return record;
}
