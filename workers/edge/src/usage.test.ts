import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HEADERS } from "./generated/contract";
import { parseUsage, UsageWatch } from "./usage";

const SAID = `:${HEADERS.USAGE} 12 5\n`;

function watched(text: string, cuts: readonly number[] = []): UsageWatch {
  const bytes = new TextEncoder().encode(text);
  const watch = new UsageWatch(7);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((one, other) => one - other);
  let start = 0;
  for (const end of ends) {
    watch.feed(bytes.subarray(start, end));
    start = end;
  }
  return watch;
}

describe("a stream's usage", () => {
  it("is what the door says, wherever chunks are cut", () => {
    const line = fc.oneof(
      fc.constant(":"),
      fc.constant(": keep-alive"),
      fc.string().map((text) => `data: ${JSON.stringify(text)}`),
      fc.string({ minLength: 60 }).map((text) => `:${text.replaceAll(/[\r\n]/g, "")}`),
      fc.constant(""),
    );
    fc.assert(
      fc.property(fc.array(line), fc.array(line), fc.array(fc.nat()), (before, after, cuts) => {
        const text = `${before.map((one) => `${one}\n`).join("")}${SAID}${after.map((one) => `${one}\n`).join("")}`;
        expect(watched(text, cuts).usage).toEqual({ read: 12, made: 5 });
      }),
    );
  });

  it("is at least its events while nobody has said it", () => {
    expect(watched('data: {"a":1}\n\ndata: {"b":2}\n\n').usage).toEqual({ read: 7, made: 2 });
    expect(watched("").usage).toEqual({ read: 7, made: 0 });
    expect(watched(`data: 1\n\n${SAID.trimEnd()}`).usage).toEqual({ read: 7, made: 1 });
  });

  it.each([
    `data: {"content":"${SAID.trim()}"}\n\n`,
    `: ${SAID.trim()}\n`,
    `x${SAID}`,
    `:${HEADERS.USAGE} 12\n`,
    `:${HEADERS.USAGE} 12 -5\n`,
    `:${HEADERS.USAGE} 12 5 6\n`,
    `:${HEADERS.USAGE} ${"1".repeat(17)} 5\n`,
  ])("is nothing that only looks like it: %j", (text) => {
    expect(watched(text).usage.read).toBe(7);
  });
});

it.each([null, "", "12", "12 5 ", "a b", "1e3 5"])("%j says nothing", (text) => {
  expect(parseUsage(text)).toBeNull();
});

it("reads two numbers", () => {
  expect(parseUsage("0 9007199254740991")).toEqual({ read: 0, made: Number.MAX_SAFE_INTEGER });
});
