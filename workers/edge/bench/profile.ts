/** One isolate's samples: which function ran (its node in the profile), and when (µs of the runtime's clock). */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  readonly startTime: number;
}

/** Microseconds between two samples. */
export const INTERVAL_US = 50;
/** A sample stands for the time to the next one; after so long without any, the isolate was not running. */
const LONGEST_US = 4 * INTERVAL_US;
/** Silence after which what comes is another request's: requests are further apart, their own waits shorter. */
const GAP_US = 6_000;
const NOTHING = new Set(["(idle)", "(garbage collector)"]);

/** One isolate of the runtime, sampled by V8 as its inspector tells. */
export class Sampler {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", (event) => {
      const { id, result } = JSON.parse(String(event.data)) as { id?: number; result: unknown };
      this.#waiting.get(id ?? 0)?.(result);
    });
  }

  /** Begins to sample the isolate of the Worker that is called `worker`. */
  static async start(inspector: URL, worker: string): Promise<Sampler> {
    const response = await fetch(new URL("/json", `http://${inspector.host}`));
    const listed = await response.json<{ id: string; webSocketDebuggerUrl: string }[]>();
    const found = listed.find(({ id }) => id === `core:user:${worker}`);
    if (found === undefined) {
      throw new Error(`the runtime has no isolate of ${worker}`);
    }
    const socket = new WebSocket(found.webSocketDebuggerUrl);
    await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
    const sampler = new Sampler(socket);
    await sampler.#call("Profiler.enable");
    await sampler.#call("Profiler.setSamplingInterval", { interval: INTERVAL_US });
    await sampler.#call("Profiler.start");
    return sampler;
  }

  /** Ends, and says what was seen. */
  async stop(): Promise<Profile> {
    const { profile } = (await this.#call("Profiler.stop")) as { profile: Profile };
    this.#socket.close();
    return profile;
  }

  async #call(method: string, params: object = {}): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#last += 1;
    this.#waiting.set(this.#last, resolve);
    this.#socket.send(JSON.stringify({ id: this.#last, method, params }));
    return await promise;
  }
}

/** What one stretch between two silences took at least and at most, in milliseconds. */
export interface Stretch {
  readonly least: number;
  readonly most: number;
}

/**
 * The stretches of a profile, and how many samples there were in all. At least a stretch took an interval for each sample. At
 * most it took the time between its samples: where the sampler was late or another program had the processor, that is too much.
 */
export function stretches(profile: Profile): { readonly each: Stretch[]; readonly samples: number } {
  const idle = new Set(
    profile.nodes.filter(({ callFrame }) => NOTHING.has(callFrame.functionName)).map(({ id }) => id),
  );
  const each: Stretch[] = [];
  let at = profile.startTime;
  let last = Number.NEGATIVE_INFINITY;
  let samples = 0;
  for (const [index, node] of profile.samples.entries()) {
    at += profile.timeDeltas[index] ?? 0;
    if (!idle.has(node)) {
      const lasted = Math.min(profile.timeDeltas[index + 1] ?? INTERVAL_US, LONGEST_US);
      const { least, most } = (at - last > GAP_US ? undefined : each.pop()) ?? { least: 0, most: 0 };
      each.push({ least: least + INTERVAL_US / 1000, most: most + lasted / 1000 });
      last = at;
      samples += 1;
    }
  }
  return { each, samples };
}
