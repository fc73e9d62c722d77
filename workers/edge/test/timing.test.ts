import { describe, expect, it } from "vitest";
import { EDGE } from "../src/generated/contract";
import { apiKeyCheck, callerOfApiKey } from "../src/middleware/authenticate/api-key";
import { hash, PEPPER } from "./deployed";

/** Keys of each kind. */
const KEYS = 10_000;
/** Characters of a right prefix: all of the random part but two. */
const SHARED = EDGE.API_KEY_RANDOM - 2;
/**
 * Welch's t beyond which two kinds of input are told apart: dudect's threshold (Reparaz et al., DATE 2017), which chance
 * alone crosses once in 100,000 times.
 */
const THRESHOLD = 4.5;
/** A machine that does something else meanwhile can cross it once; a leak crosses it every time, and the same way. */
const ATTEMPTS = 3;
/** The slowest tenth is the machine's: interrupts, collections of garbage. */
const KEPT = 0.9;

interface Guess {
  readonly real: string;
  readonly key: string;
  readonly right: boolean;
}

/** What says whether a key is good, which it is not; `real` is the one it may begin like. */
type Check = (guess: Guess) => Promise<unknown>;

/** Two guesses at a key: one that begins like it, and one that has nothing of it. Both are as random as each other. */
function guesses(): [Guess, Guess] {
  const real = random("", EDGE.API_KEY_RANDOM);
  return [
    { real: whole(real), key: whole(random(real.slice(0, SHARED), EDGE.API_KEY_RANDOM)), right: true },
    { real: whole(real), key: whole(random("", EDGE.API_KEY_RANDOM)), right: false },
  ];
}

function random(start: string, length: number): string {
  const letters = EDGE.API_KEY_ALPHABET;
  let text = start;
  while (text.length < length) {
    text += letters.charAt(Math.floor(Math.random() * letters.length));
  }
  return text;
}

/** A key of acme's. It is made through bytes, as a header is: a text put together of pieces takes longer to read. */
function whole(text: string): string {
  const known = `mg_acme_${text}`;
  return Buffer.from(`${known}${apiKeyCheck(known)}`).toString("latin1");
}

/** How sure it is that the check takes longer for keys that begin like a real one: Welch's t. */
async function leakage(pairs: [Guess, Guess][], check: Check): Promise<number> {
  const shuffled = pairs
    .flat()
    .map((guess) => ({ guess, order: Math.random() }))
    .sort((one, other) => one.order - other.order);
  const times: { right: boolean; took: number }[] = [];
  for (const { guess } of shuffled) {
    const began = process.hrtime.bigint();
    await check(guess);
    times.push({ right: guess.right, took: Number(process.hrtime.bigint() - began) });
  }
  const limit = times.map(({ took }) => took).sort((one, other) => one - other)[Math.floor(times.length * KEPT)] ?? 0;
  const kept = (right: boolean) =>
    times.filter((each) => each.right === right && each.took < limit).map(({ took }) => took);
  return welch(kept(true), kept(false));
}

function welch(one: number[], other: number[]): number {
  const mean = (all: number[]) => all.reduce((sum, each) => sum + each, 0) / all.length;
  const error = (all: number[], middle: number) =>
    all.reduce((sum, each) => sum + (each - middle) ** 2, 0) / (all.length - 1) / all.length;
  const [first, second] = [mean(one), mean(other)];
  return (first - second) / Math.sqrt(error(one, first) + error(other, second));
}

/** Whether the check tells the two kinds of keys apart, each time it is tried. */
async function tellsApart(pairs: [Guess, Guess][], check: Check): Promise<boolean> {
  await leakage(pairs.slice(0, KEYS / 10), check);
  const signs = new Set<number>();
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const t = await leakage(pairs, check);
    if (Math.abs(t) < THRESHOLD) {
      return false;
    }
    signs.add(Math.sign(t));
  }
  return signs.size === 1;
}

describe("how long a wrong key takes", { timeout: 120_000 }, () => {
  const pairs = Array.from({ length: KEYS }, guesses);

  it("tells nothing of how much of it is right", async () => {
    const record = { tenant: "acme", key: "k", agents: ["*"] };
    const real = new Set(pairs.map(([guess]) => hash(guess.real)));
    const namespace = { get: async (key: string) => (real.has(key) ? record : null) } as unknown as KVNamespace;
    const check = async (key: string) => await callerOfApiKey(key, namespace, PEPPER).catch(() => null);
    expect(await check(pairs[0]?.[0].real ?? "")).not.toBeNull();
    expect(await tellsApart(pairs, async ({ key }) => await check(key))).toBe(false);
  });

  it("would be seen to, if keys were compared", async () => {
    const compared: Check = async ({ key, real }) => {
      for (let at = 0; at < real.length; at += 1) {
        if (key.charCodeAt(at) !== real.charCodeAt(at)) {
          return false;
        }
      }
      return true;
    };
    expect(await tellsApart(pairs, compared)).toBe(true);
  });
});
