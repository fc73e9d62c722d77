import type { Taken } from "./rules";

/** Longest that nobody tells a shard what an answer took, in milliseconds: what others took in that time is told with it. */
const TELL_MS = 50;
/** As much later somebody else tells it, in milliseconds: whoever was to is no more. */
const LATE_MS = 1000;

/** What one request's answer took. */
export interface Told extends Taken {
  readonly request: string;
}

interface Batch {
  readonly answers: Told[];
  due: number;
}

/** What shards have not been told, by their names. Only values lie here: a request must not wait for another's. */
const batches = new Map<string, Batch>();

/**
 * Has a shard told what an answer took, together with all that others take meanwhile: a call for each costs more than the
 * counting. The first of them calls, a moment later, and ends then; the others have nothing to wait for.
 */
export async function tellTogether(
  shard: string,
  answer: Told,
  tell: (answers: readonly Told[]) => Promise<void>,
): Promise<void> {
  const now = Date.now();
  const batch = batches.get(shard) ?? { answers: [], due: Number.NEGATIVE_INFINITY };
  batch.answers.push(answer);
  if (now < batch.due + LATE_MS) {
    return;
  }
  batch.due = now + TELL_MS;
  batches.set(shard, batch);
  await scheduler.wait(TELL_MS);
  batches.delete(shard);
  // None are left where somebody else was only late.
  const answers = batch.answers.splice(0);
  if (answers.length > 0) {
    await tell(answers);
  }
}
