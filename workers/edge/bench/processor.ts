import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** Milliseconds between two looks at a runtime that may not be done yet. */
const LOOK_MS = 1;

/**
 * A runtime's process, and the processor time it has used: Linux's scheduler counts it for each thread, in nanoseconds,
 * and only while the thread runs. What other programs do meanwhile is not in it, but for what they do to the caches.
 */
export class Runtime {
  readonly #pid: number;

  private constructor(pid: number) {
    this.#pid = pid;
  }

  /** What `start` starts, and the runtime it started; null where the system does not say which that is. */
  static async started<T>(start: () => Promise<T>): Promise<{ started: T; runtime: Runtime | null }> {
    const before = new Set(runtimes());
    const started = await start();
    const [pid] = runtimes().filter((each) => !before.has(each));
    return { started, runtime: pid === undefined ? null : new Runtime(pid) };
  }

  /** Milliseconds used so far: of all threads, and of the one the isolates run on. */
  get used(): { readonly all: number; readonly isolates: number } {
    const threads = readdirSync(`/proc/${this.#pid}/task`);
    const all = threads.map((thread) => this.#usedBy(thread)).reduce((sum, each) => sum + each, 0);
    return { all, isolates: this.#usedBy(String(this.#pid)) };
  }

  /** Waits until the runtime has nothing left to do: what a request leaves behind counts as the request's. */
  async quiet(): Promise<void> {
    for (let last = -1, now = this.used.all; now !== last; now = this.used.all) {
      last = now;
      await pause(LOOK_MS);
    }
  }

  #usedBy(thread: string): number {
    return Number(readFileSync(`/proc/${this.#pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  }
}

/** The children of this process that are called so. */
function runtimes(): number[] {
  try {
    const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").trim().split(" ");
    return children.map(Number).filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "workerd");
  } catch {
    return [];
  }
}
