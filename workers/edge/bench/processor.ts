import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** Milliseconds between two looks at a runtime that may not be done yet. */
const LOOK_MS = 1;

/**
 * A runtime's process, and the processor time it uses. Linux's scheduler counts it, in nanoseconds, and only while the thread
 * runs: what other programs do meanwhile is not in it, but for what they do to the caches they share.
 */
export class Runtime {
  /** Its first thread, the one that runs isolates. */
  readonly #thread: string;

  private constructor(pid: number) {
    this.#thread = `/proc/${pid}/task/${pid}`;
  }

  /** What `start` starts, and the runtime it started; null where the system does not say which that is. */
  static async started<T>(start: () => Promise<T>): Promise<{ started: T; runtime: Runtime | null }> {
    const before = new Set(runtimes());
    const started = await start();
    const [pid] = runtimes().filter((each) => !before.has(each));
    return { started, runtime: pid === undefined ? null : new Runtime(pid) };
  }

  /**
   * Milliseconds the thread that all isolates run on has used so far. Asked once it has stopped: what a thread uses is added
   * up when it stops or the clock ticks.
   */
  get used(): number {
    for (;;) {
      const told = readFileSync(`${this.#thread}/stat`, "utf8");
      // The state follows the name, which may have anything in it.
      if (told.charAt(told.lastIndexOf(")") + 2) !== "R") {
        return Number(readFileSync(`${this.#thread}/schedstat`, "utf8").split(" ")[0]) / 1e6;
      }
    }
  }

  /** Waits until the runtime has nothing left to do: what a request leaves behind counts as the request's. */
  async quiet(): Promise<void> {
    for (let last = -1, now = this.used; now !== last; now = this.used) {
      last = now;
      await pause(LOOK_MS);
    }
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
