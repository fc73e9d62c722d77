import { decodeJwt } from "jose";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../env";
import { certificateKey, EDGE, HEADERS, PATHS } from "../../generated/contract";
import { ACME_KEY, edge, forwarded, put, recordReads, refusal, send } from "../../testing/edge";
import { commonName } from "./certificate";

const AUTHORITY = "A5AC554235DBA6D963B9CDE0185CFAD6E3F55E8F";
const GOOD = {
  certPresented: "1",
  certVerified: "SUCCESS",
  certRevoked: "0",
  certIssuerSKI: AUTHORITY,
  certSubjectDNRFC2253: "CN=vpc.acme.example,OU=Agents,O=Acme\\, Inc.,C=SG",
};
let env: Env;
const gateway = vi.spyOn(globalThis, "fetch");

beforeEach(async () => {
  ({ env } = await edge());
  gateway.mockReset().mockImplementation(async () => Response.json({}));
  const record = { tenant: "acme", key: "vpc", agents: ["helper"], methods: ["chat"] };
  await put(env.TENANTS, certificateKey(AUTHORITY, "vpc.acme.example"), record);
});

async function connect(auth: object | undefined, authorization = "", path: string = PATHS.CHAT_COMPLETIONS) {
  return await send(env, { path, headers: { authorization }, cf: { tlsClientAuth: auth } });
}

it.each(["", "Bearer ", "Bearer"])("stands for its tenant, also with an empty key: %j", async (authorization) => {
  expect((await connect(GOOD, authorization)).status).toBe(200);
  const token = decodeJwt(forwarded(gateway).headers.get(HEADERS.EDGE_TOKEN) ?? "");
  expect(token).toMatchObject({ aud: "acme/helper", tid: "acme", key: "vpc" });
});

it("takes the authority's identifier in either case", async () => {
  expect((await connect({ ...GOOD, certIssuerSKI: AUTHORITY.toLowerCase() })).status).toBe(200);
});

it("may do what its record says and no more", async () => {
  expect(await refusal(await connect(GOOD, "", PATHS.RESPONSES))).toMatchObject({ status: 403, code: "forbidden" });
});

it.each([{ origin: "https://evil.example" }, { origin: "null" }, { "sec-fetch-site": "same-origin" }])(
  "is not for use by a page, which its browser would show it for unasked: %j",
  async (page) => {
    const ask = { headers: { authorization: "", "content-type": "text/plain", ...page }, cf: { tlsClientAuth: GOOD } };
    expect(await refusal(await send(env, ask))).toEqual({ status: 403, code: "forbidden", param: null });
    expect(gateway).not.toHaveBeenCalled();
  },
);

describe("where the host name asks for none", () => {
  beforeEach(() => {
    env = { ...env };
    delete (env as { -readonly [name in keyof Env]?: Env[name] })[EDGE.BINDING_CLIENT_CERTIFICATES];
  });

  it("opens nothing, however good", async () => {
    expect(await refusal(await connect(GOOD))).toMatchObject({ status: 401, code: "invalid_api_key" });
    expect(gateway).not.toHaveBeenCalled();
  });

  it("stands in no key's way", async () => {
    expect((await connect(GOOD, `Bearer ${ACME_KEY}`)).status).toBe(200);
  });
});

describe("a certificate that is not good", () => {
  it.each([
    { name: "expired", change: { certVerified: "FAILED:certificate has expired" } },
    { name: "self-signed", change: { certVerified: "FAILED:self signed certificate" } },
    { name: "failed", change: { certVerified: "FAILED" } },
    { name: "nothing said of it", change: { certVerified: "NONE" } },
    { name: "revoked", change: { certRevoked: "1" } },
    { name: "nothing said of its revocation", change: { certRevoked: "" } },
    { name: "no authority", change: { certIssuerSKI: "" } },
    { name: "no common name", change: { certSubjectDNRFC2253: "O=Acme" } },
  ])("is refused before any look-up: $name", async ({ change }) => {
    const { env: watched, reads } = recordReads(env);
    const auth = { ...GOOD, ...change };
    const response = await send(watched, { headers: { authorization: "" }, cf: { tlsClientAuth: auth } });
    expect(await refusal(response)).toEqual({ status: 401, code: "invalid_api_key", param: null });
    expect(reads).toEqual([]);
  });

  it.each([
    { name: "another authority's of the same name", change: { certIssuerSKI: "00".repeat(20) } },
    { name: "another name", change: { certSubjectDNRFC2253: "CN=vpc.globex.example" } },
    { name: "a name of another case", change: { certSubjectDNRFC2253: "CN=VPC.acme.example" } },
    { name: "our name within another attribute", change: { certSubjectDNRFC2253: "CN=x,O=y\\,CN=vpc.acme.example" } },
  ])("is refused: $name", async ({ change }) => {
    expect((await connect({ ...GOOD, ...change })).status).toBe(401);
    expect(gateway).not.toHaveBeenCalled();
  });

  it("is none where the connection came without one", async () => {
    for (const auth of [undefined, { certPresented: "0", certVerified: "NONE" }]) {
      expect((await connect(auth)).status).toBe(401);
    }
  });
});

describe("a subject's common name", () => {
  it.each([
    ["CN=a", "a"],
    ["O=x,CN=a-b.c_d", "a-b.c_d"],
    ["C=SG+CN=a,O=x", "a"],
    ["cn = a", "a"],
    ["O=x\\,CN=a", null],
    ["O=x\\\\,CN=a", "a"],
    ["O=x\\+CN=a,CN=b", "b"],
    ["CN=a,CN=b", null],
    ["CN=a,O=x+CN=b", null],
    ['O="x,CN=a"', null],
    ["CN=a\\,b", null],
    ["CN=a/b", null],
    ["CN=", null],
    [`CN=${"a".repeat(65)}`, null],
    ["SCN=a", null],
    ["", null],
  ])("of %j is %j", (subject, name) => {
    expect(commonName(subject)).toBe(name);
  });
});
