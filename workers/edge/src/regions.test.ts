import { describe, expect, it } from "vitest";
import { EDGE } from "./generated/contract";
import { inOrder, markDown, type Region } from "./regions";

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

  it("still, when all are down", () => {
    const now = 1_900_000_000_000;
    for (const { name } of ALL) {
      markDown(name, now);
    }
    expect(order(ALL, { continent: "AS" }, now)).toEqual(["sin", "us", "jkt"]);
  });
});
