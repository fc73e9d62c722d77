import { Kept } from "../kept";
import type { Taken } from "./rules";

/** Longest that an isolate which asks for admissions keeps what answers took, in milliseconds: the next one tells it. */
const TELL_MS = 50;
/** An admission so long after the one before it, in milliseconds, may have none after it that would tell for it. */
const ALONE_MS = 200;
/** Longest that nobody tells it, in milliseconds, where no admission came after all. */
const LATE_MS = 500;
/** Most shards known to have been asked lately. */
const KEPT_SHARDS = 10_000;

/** What one request's answer took. */
export interface Told extends Taken {
  readonly request: string;
}

interface Batch {
  readonly answers: Told[];
  readonly since: number;
}

/** What shards have not been told, by their names. Only values lie here: a request must not wait for another's. */
const batches = new Map<string, Batch>();
const lately = new Kept<true>(KEPT_SHARDS, ALONE_MS / 1000);

/** Notes that a shard is asked for an admission, and says whether it was not for a while: then it may not be soon. */
export function isAlone(shard: string): boolean {
  const alone = lately.get(shard) === null;
  lately.set(shard, true, Date.now());
  return alone;
}

/** What a shard is to be told with the next admission it is asked for; it counts as told. */
export function takeDue(shard: string): readonly Told[] {
  const batch = batches.get(shard);
  if (batch === undefined || Date.now() < batch.since + TELL_MS) {
    return [];
  }
  batches.delete(shard);
  return batch.answers;
}

/** Takes back what a shard could not be told. */
export function takeBack(shard: string, answers: readonly Told[]): void {
  const batch = batches.get(shard);
  if (batch !== undefined) {
    batch.answers.unshift(...answers);
  } else if (answers.length > 0) {
    batches.set(shard, { answers: [...answers], since: Date.now() });
  }
}

/**
 * Has a shard told what an answer took, together with all that others take meanwhile: a call for each costs more than the
 * counting. The next admission tells it; where none comes, the first of them does, later by `alone` or not, and ends then.
 * The others have nothing to wait for.
 */
export async function tellTogether(
  shard: string,
  answer: Told,
  alone: boolean,
  tell: (answers: readonly Told[]) => Promise<void>,
): Promise<void> {
  const now = Date.now();
  const there = batches.get(shard);
  if (there !== undefined && now < there.since + 2 * LATE_MS) {
    there.answers.push(answer);
    return;
  }
  // Whoever was to tell what is there is no more.
  const batch = { answers: [...(there?.answers ?? []), answer], since: now };
  batches.set(shard, batch);
  await scheduler.wait(alone ? TELL_MS : LATE_MS);
  if (batches.get(shard) === batch) {
    batches.delete(shard);
    await tell(batch.answers);
  }
}
