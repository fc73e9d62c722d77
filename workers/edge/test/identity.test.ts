import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certificateKey, EDGE, issuerKey, PATHS } from "../src/generated/contract";
import { ACME_KEY, type Deployed, deploy, GLOBEX_KEY, hash } from "./deployed";

let edge: Deployed;
const servers: Server[] = [];

beforeAll(async () => {
  edge = await deploy("http://127.0.0.1:9");
});

afterAll(async () => {
  await edge.stop();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server of a tenant's, on loopback; its URL. */
async function serve(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

interface Published {
  readonly asked: string[];
  token(agent: string): Promise<string>;
  stop(): Promise<void>;
}

/** An issuer whose key set a real server publishes at /jwks.json, /moved leads there. */
async function publish(name: string, path: string, algorithm: string): Promise<Published> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const keys = [{ ...(await exportJWK(publicKey)), kid: "one", alg: algorithm }];
  const asked: string[] = [];
  const { url, server } = await serve((request, response) => {
    asked.push(String(request.url));
    if (request.url === "/moved") {
      response.writeHead(302, { location: "/jwks.json" }).end();
    } else {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ keys }));
    }
  });
  await edge.put(EDGE.BINDING_TENANTS, issuerKey(name), {
    tenant: "acme",
    key: "login",
    issuer: name,
    jwks: `${url}${path}`,
    algorithm,
    audience: "agents",
    scope_claim: "scope",
  });
  const token = async (agent: string) =>
    await new SignJWT({ scope: `agent:${agent}` })
      .setProtectedHeader({ alg: algorithm, kid: "one" })
      .setIssuer(name)
      .setAudience("agents")
      .setSubject("ada")
      .setExpirationTime("5 minutes")
      .sign(privateKey);
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { asked, token, stop };
}

/** What the edge says to a list of models: the status, and whose they are. */
async function list(credential: string): Promise<{ status: number; code?: string; agents?: string[] }> {
  const headers = { authorization: `Bearer ${credential}` };
  const response = await fetch(new URL(PATHS.MODELS, edge.url), { headers });
  const body = await response.json<{ error?: { code: string }; data?: { id: string }[] }>();
  return {
    status: response.status,
    ...(body.error === undefined ? {} : { code: body.error.code }),
    ...(body.data === undefined ? {} : { agents: body.data.map(({ id }) => id) }),
  };
}

describe("a token of a tenant's issuer", () => {
  it.each(EDGE.JWT_ALGORITHMS)("signed with %s is good, by keys fetched once over the network", async (algorithm) => {
    const issuer = await publish(`https://${algorithm.toLowerCase()}.acme.example`, "/jwks.json", algorithm);
    expect(await list(await issuer.token("helper"))).toEqual({ status: 200, agents: ["helper"] });
    expect(await list(await issuer.token("analyst"))).toEqual({ status: 200, agents: [] });
    expect(issuer.asked).toEqual(["/jwks.json"]);
  });

  it("is good while its issuer is away, whose keys are known", async () => {
    const issuer = await publish("https://away.acme.example", "/jwks.json", "EdDSA");
    expect((await list(await issuer.token("helper"))).status).toBe(200);
    await issuer.stop();
    expect((await list(await issuer.token("helper"))).status).toBe(200);
  });

  it("cannot be checked while its issuer is away, whose keys nobody knows", async () => {
    const issuer = await publish("https://gone.acme.example", "/jwks.json", "ES256");
    await issuer.stop();
    expect(await list(await issuer.token("helper"))).toEqual({ status: 503, code: "signing_keys_unavailable" });
  });

  it("cannot be checked by keys that are elsewhere than the program says", async () => {
    const issuer = await publish("https://moved.acme.example", "/moved", "ES256");
    expect(await list(await issuer.token("helper"))).toEqual({ status: 503, code: "signing_keys_unavailable" });
    expect(issuer.asked).toEqual(["/moved"]);
  });
});

it("takes a client certificate's name from the connection", async () => {
  const authority = "A5AC554235DBA6D963B9CDE0185CFAD6E3F55E8F";
  const record = { tenant: "acme", key: "vpc", agents: ["helper"] };
  await edge.put(EDGE.BINDING_TENANTS, certificateKey(authority, "vpc.acme.example"), record);
  for (const [name, status] of [
    ["vpc.acme.example", 200],
    ["vpc.globex.example", 401],
  ] as const) {
    const tlsClientAuth = {
      certPresented: "1",
      certVerified: "SUCCESS",
      certRevoked: "0",
      certIssuerSKI: authority,
      certSubjectDNRFC2253: `CN=${name},O=Acme`,
    };
    // The local runtime's way to say what Cloudflare knows of a connection.
    const headers = { "MF-CF-Blob": JSON.stringify({ tlsClientAuth }) };
    expect((await fetch(new URL(PATHS.MODELS, edge.url), { headers })).status).toBe(status);
  }
});

it("remembers a key from one request to the next, though its record is gone", async () => {
  expect((await list(GLOBEX_KEY)).status).toBe(200);
  await edge.put(EDGE.BINDING_KEYS, hash(GLOBEX_KEY), null);
  expect((await list(GLOBEX_KEY)).status).toBe(200);
});

it.each([
  { cidrs: ["127.0.0.1/32"], status: 200 },
  { cidrs: ["203.0.113.0/24", "2001:db8::/32"], status: 403 },
])("takes the address the connection comes from: $cidrs", async ({ cidrs, status }) => {
  const own = await deploy("http://127.0.0.1:9");
  try {
    await own.put(EDGE.BINDING_KEYS, hash(ACME_KEY), { tenant: "acme", key: "k", agents: ["helper"], cidrs });
    const headers = { authorization: `Bearer ${ACME_KEY}`, "x-forwarded-for": "203.0.113.9" };
    expect((await fetch(new URL(PATHS.MODELS, own.url), { headers })).status).toBe(status);
  } finally {
    await own.stop();
  }
});
