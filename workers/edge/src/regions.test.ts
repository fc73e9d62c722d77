import { describe, expect, it } from "vitest";
import { EDGE, LIMITS } from "./generated/contract";
import { inOrder, markDown, markHeard, placeOf, type Region, wasHeard } from "./regions";

const region = (name: string, ...near: string[]): Region => ({ name, origin: `https://${name}.test`, near });
const SIN = region("sin", "SIN", "KUL", "AS");
const JKT = region("jkt", "CGK", "OC");
const US = region("us", "NA", "SA");
const ALL = [US, SIN, JKT];

const order = (...of: Parameters<typeof inOrder>): string[] => inOrder(...of).map(({ name }) => name);

describe("regions are asked", () => {
  it.each([
    { place: {}, first: ["us", "sin", "jkt"] },
    { place: { colo: "KUL", continent: "AS" }, first: ["sin", "us", "jkt"] },
    { place: { colo: "HKG", continent: "AS" }, first: ["sin", "us", "jkt"] },
    { place: { colo: "CGK", continent: "AS" }, first: ["jkt", "sin", "us"] },
    { place: { colo: "FRA", continent: "EU" }, first: ["us", "sin", "jkt"] },
    { place: { colo: "NA" }, first: ["us", "sin", "jkt"] },
  ])("nearest first, else as the record prefers: $place", ({ place, first }) => {
    expect(order(ALL, place)).toEqual(first);
  });

  it("last for a while when they were down, however near", () => {
    const now = 1_800_000_000_000;
    markDown("sin", now);
    const place = { colo: "SIN", continent: "AS" };
    expect(order(ALL, place, now)).toEqual(["us", "jkt", "sin"]);
    expect(order(ALL, place, now + EDGE.REGION_DOWN_S * 1000 - 1)).toEqual(["us", "jkt", "sin"]);
    expect(order(ALL, place, now + EDGE.REGION_DOWN_S * 1000)).toEqual(["sin", "us", "jkt"]);
  });

  it("last even where they answer what they were asked before: that says nothing of new connections", () => {
    const now = 2_100_000_000_000;
    markDown("sin", now);
    markHeard("sin", now + 1);
    expect(order(ALL, { colo: "SIN", continent: "AS" }, now + 1)).toEqual(["us", "jkt", "sin"]);
  });

  it("still, when all are down", () => {
    const now = 1_900_000_000_000;
    for (const { name } of ALL) {
      markDown(name, now);
    }
    expect(order(ALL, { continent: "AS" }, now)).toEqual(["sin", "us", "jkt"]);
  });
});

describe("where a request came in", () => {
  const cf = { colo: "FRA", continent: "EU" };
  const from = (headers: Record<string, string>) => placeOf(new Request("https://api.example.test/", { headers, cf }));

  it.each([
    { name: "its ray", headers: { "cf-ray": "230b030023ae2822-SJC" }, colo: "SJC" },
    { name: "the runtime, of one without a ray", headers: {}, colo: "FRA" },
    { name: "the runtime, of one whose ray names no colo", headers: { "cf-ray": "230b030023ae2822" }, colo: "FRA" },
  ])("is said by $name", ({ headers, colo }) => {
    expect(from(headers).colo).toBe(colo);
    expect(from(headers).continent).toBe("EU");
  });

  it("is not asked of the runtime where one region alone may be asked, or its ray says enough", () => {
    const request = new Request("https://api.example.test/", { headers: { "cf-ray": "230b030023ae2822-SIN" } });
    Object.defineProperty(request, "cf", {
      get: () => {
        throw new Error("asked");
      },
    });
    const place = placeOf(request);
    expect(order([JKT], place)).toEqual(["jkt"]);
    expect(
      order(
        [
          { ...US, near: [] },
          { ...SIN, near: ["SIN"] },
        ],
        place,
      ),
    ).toEqual(["sin", "us"]);
    expect(() => order([US, JKT], place)).toThrow("asked");
  });
});

it("a region that answered was heard for a while, unless it could not be reached since", () => {
  const now = 2_000_000_000_000;
  expect(wasHeard("heard", now)).toBe(false);
  markHeard("heard", now);
  expect(wasHeard("heard", now + LIMITS.CONNECT_S * 1000 - 1)).toBe(true);
  expect(wasHeard("heard", now + LIMITS.CONNECT_S * 1000)).toBe(false);
  markDown("heard", now);
  expect(wasHeard("heard", now)).toBe(false);
});
