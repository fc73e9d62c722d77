import { describe, expect, it } from "vitest";
import { HOOKS } from "../generated/contract";
import { isGenuine, isTimely, parseSigned, signatureOf, signedBytes } from "./signature";

/** Made by `runtime.contract.hooks.sign`, whose test has the same. */
const PEPPER = "a pepper";
const HOOK = { tenant: "acme", id: "crm", versions: [1] };
const HEADER = "t=1800000000,v1=21cecfffb1e9e4aaa1d612e2183af2d9eac5380992ca05e7b054430186e7dbfe";
const BODY = new TextEncoder().encode('{"deal":"won"}');

function parsed(header = HEADER) {
  const signed = parseSigned(header);
  if (signed === null) {
    throw new Error(`${header} is no signature`);
  }
  return signed;
}

const genuine = async (hook = HOOK, header = HEADER, body = BODY, pepper = PEPPER) =>
  await isGenuine(pepper, hook, parsed(header), signedBytes(parsed(header), body));

describe("a delivery", () => {
  it("is genuine when a live secret of its hook signed it", async () => {
    expect(await genuine()).toBe(true);
    expect(await genuine({ ...HOOK, versions: [2, 1] })).toBe(true);
    expect(await genuine(HOOK, HEADER.replace(",", `,v1=${"0".repeat(64)},`))).toBe(true);
  });

  it.each([
    { name: "another version's", hook: { ...HOOK, versions: [2] } },
    { name: "a hook's whose secrets are all retired", hook: { ...HOOK, versions: [] } },
    { name: "another hook's", hook: { ...HOOK, id: "erp" } },
    { name: "another tenant's", hook: { ...HOOK, tenant: "globex" } },
  ])("is not genuine under $name secret", async ({ hook }) => {
    expect(await genuine(hook)).toBe(false);
  });

  it("is not genuine under another pepper, at another time, or with another body", async () => {
    expect(await genuine(HOOK, HEADER, BODY, "another pepper")).toBe(false);
    expect(await genuine(HOOK, HEADER.replace("t=18", "t=17"))).toBe(false);
    expect(await genuine(HOOK, HEADER, new TextEncoder().encode('{"deal":"lost"}'))).toBe(false);
  });

  it("is not genuine whichever bit of its signature changes", async () => {
    const at = HEADER.indexOf("v1=") + 3;
    for (let digit = at; digit < HEADER.length; digit += 1) {
      const other = (Number.parseInt(HEADER.charAt(digit), 16) ^ 1).toString(16);
      expect(await genuine(HOOK, HEADER.slice(0, digit) + other + HEADER.slice(digit + 1))).toBe(false);
    }
  });
});

describe("a header", () => {
  const mac = "ab".repeat(32);
  it.each([
    "",
    "t=1800000000",
    `v1=${mac}`,
    `t=1800000000,v1=${mac.toUpperCase()}`,
    `t=1800000000,v1=${mac.slice(1)}`,
    `t=1800000000,v0=${mac}`,
    `t=01800000000,v1=${mac}`,
    `t=1800000000.0,v1=${mac}`,
    `t=+1800000000,v1=${mac}`,
    `t=-1800000000,v1=${mac}`,
    `t=1e9,v1=${mac}`,
    ` t=1800000000,v1=${mac}`,
    `t=1800000000, v1=${mac}`,
    `t=1800000000,v1=${mac},v1=${mac},v1=${mac}`,
  ])("is nothing but what senders write: %s", (header) => {
    expect(parseSigned(header)).toBeNull();
  });

  it("may hold a signature for each of two secrets", () => {
    expect(parsed(`t=1800000000,v1=${mac},v1=${mac}`).signatures).toHaveLength(2);
  });
});

it.each([
  { off: -HOOKS.TOLERANCE_S - 1, timely: false },
  { off: -HOOKS.TOLERANCE_S, timely: true },
  { off: HOOKS.TOLERANCE_S, timely: true },
  { off: HOOKS.TOLERANCE_S + 1, timely: false },
])("a timestamp $off s off is timely: $timely", ({ off, timely }) => {
  expect(isTimely(parsed(), (1_800_000_000 + off) * 1000)).toBe(timely);
});

describe("a delivery of ours", () => {
  it("is signed as one to us is", async () => {
    expect(await signatureOf(PEPPER, HOOK, 1_800_000_000, BODY)).toBe(HEADER);
  });

  it("is signed by each live secret", async () => {
    const both = await signatureOf(PEPPER, { ...HOOK, versions: [1, 2] }, 1_800_000_000, BODY);
    expect(both.startsWith(`${HEADER},v1=`)).toBe(true);
    expect(await genuine({ ...HOOK, versions: [2] }, both)).toBe(true);
  });
});
