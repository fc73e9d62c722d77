import fc from "fast-check";
import { beforeEach, expect, it, vi } from "vitest";
import type { Env } from "../../env";
import { issuerKey } from "../../generated/contract";
import { ACME_KEY, edge, madeUpKey, put, recordReads, send } from "../../testing/edge";
import { TestIssuer } from "../../testing/issuer";
import { hashApiKey } from "./api-key";
import { commonName } from "./certificate";

let env: Env;
let issuer: TestIssuer;

beforeEach(async () => {
  ({ env } = await edge());
  issuer = await TestIssuer.start();
  await put(env.TENANTS, issuerKey(issuer.name), issuer.record());
  vi.spyOn(globalThis, "fetch")
    .mockReset()
    .mockImplementation(async (to) => Response.json(to === issuer.jwks ? { keys: issuer.published } : {}));
  vi.spyOn(console, "log").mockReset().mockReturnValue();
});

/** Text a header can hold, with the pieces of which credentials are made. */
const headers = fc
  .array(
    fc.oneof(
      fc.constantFrom("Bearer", "bearer", "Basic", " ", ",", ".", "mg_acme_", "eyJhbGciOiJub25lIn0", ACME_KEY),
      fc.string({ unit: "grapheme-ascii", maxLength: 40 }),
    ),
    { maxLength: 6 },
  )
  .map((pieces) => pieces.join(""))
  .filter((header) => header.trim() !== `Bearer ${ACME_KEY}`);

it("refuses whatever is no credential, looks nothing up for it, and is never itself at fault", async () => {
  await fc.assert(
    fc.asyncProperty(headers, async (authorization) => {
      fc.pre(!new RegExp(`^bearer +${ACME_KEY}$`, "i").test(authorization.trim()));
      const { env: watched, reads } = recordReads(env);
      const response = await send(watched, { headers: { authorization } });
      expect([400, 401]).toContain(response.status);
      expect(reads).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

it("believes no token of which the header or the payload was touched", async () => {
  const [header = "", payload = "", signature = ""] = (await issuer.token()).split(".");
  const signed = `${header}.${payload}`;
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  await fc.assert(
    fc.asyncProperty(fc.nat(signed.length - 1), fc.constantFrom(...letters.split("")), async (at, letter) => {
      fc.pre(signed[at] !== letter && signed[at] !== ".");
      const forged = `${signed.slice(0, at)}${letter}${signed.slice(at + 1)}.${signature}`;
      expect((await send(env, { key: forged })).status).toBe(401);
    }),
    { numRuns: 300 },
  );
  expect((await send(env, { key: `${signed}.${signature}` })).status).toBe(200);
});

/** An address as a number of 32 or 128 bits, as text. */
function addressText(value: bigint, bits: 32 | 128): string {
  const width = bits === 32 ? 8n : 16n;
  const parts: string[] = [];
  for (let shift = BigInt(bits) - width; shift >= 0n; shift -= width) {
    parts.push(((value >> shift) & ((1n << width) - 1n)).toString(bits === 32 ? 10 : 16));
  }
  return parts.join(bits === 32 ? "." : ":");
}

it.each([32, 128] as const)("lets an address of %d bits in exactly when its first bits are a range's", async (bits) => {
  const largest = (1n << BigInt(bits)) - 1n;
  await fc.assert(
    fc.asyncProperty(
      fc.bigInt(0n, largest),
      fc.nat(bits),
      fc.oneof(fc.bigInt(0n, largest), fc.nat(bits - 1)),
      async (network, prefix, other) => {
        // A random address, or one that departs from the network in one bit.
        const address = typeof other === "bigint" ? other : network ^ (1n << BigInt(other));
        fc.pre(bits === 32 || address >> 32n !== 0xffffn);
        const rest = BigInt(bits - prefix);
        const key = madeUpKey("acme", `${prefix}z${address.toString(36).slice(0, 20)}`);
        const cidrs = [`${addressText(network, bits)}/${prefix}`];
        const record = { tenant: "acme", key: "k", agents: ["helper"], cidrs };
        await put(env.KEYS, await hashApiKey(env.KEY_PEPPER, key), record);
        const { env: fresh } = recordReads(env);
        const response = await send(fresh, { key, headers: { "cf-connecting-ip": addressText(address, bits) } });
        expect(response.status).toBe(network >> rest === address >> rest ? 200 : 403);
      },
    ),
    { numRuns: 200 },
  );
});

/** An attribute's value as RFC 2253 writes it. */
function escaped(value: string): string {
  return value.replace(/[,+"\\<>;=#]/g, "\\$&");
}

it("reads a common name as it was written, whatever stands in the other attributes", () => {
  const name = fc.stringMatching(/^[A-Za-z0-9]([-._A-Za-z0-9]{0,20}[A-Za-z0-9])?$/);
  const others = fc.array(
    fc.tuple(
      fc.constantFrom("O", "OU", "C", "ST", "L", "UID", "XCN"),
      // A quotation mark is refused wherever it stands.
      fc.string({ unit: "grapheme-ascii" }).map((value) => value.replaceAll('"', "")),
    ),
    { maxLength: 4 },
  );
  const separators = fc.constantFrom(",", "+");
  fc.assert(
    fc.property(name, others, fc.nat(4), separators, (common, rest, at, separator) => {
      const attributes = rest.map(([attribute, value]) => `${attribute}=${escaped(value)}`);
      attributes.splice(at, 0, `CN=${common}`);
      expect(commonName(attributes.join(separator))).toBe(common);
      expect(commonName(attributes.filter((each) => each !== `CN=${common}`).join(separator))).toBeNull();
    }),
    { numRuns: 2000 },
  );
});
