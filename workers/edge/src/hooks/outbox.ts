import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env";
import { EDGE, ERRORS, HOOKS } from "../generated/contract";
import { RefusedError } from "../refused";
import { readHook } from "../tenant-records";
import { failed, runChat } from "./chat";
import { backoffMs, type DeadLetter, type Delivery, type Job, Queue } from "./queue";
import { Sealer } from "./sealed";
import { sendAnswer } from "./send";

/** Jobs at once: of a Worker's connections six may wait for an answer (Cloudflare's limits of Workers). */
const AT_ONCE = 6;
/** How long an alarm begins jobs. It may last 15 min in all (Cloudflare's limits of Durable Objects), a chat CHAT_S. */
const ROUND_MS = 4 * 60_000;
const GONE = 410;

/**
 * The answers of one hook that are still to be had or delivered, and those that could not be. Its alarm does the work:
 * it rings again where it was cut, whatever ended the object. A chat is marked as begun before a region hears of it (no
 * request leaves an object before what was written is safe), and one that is found begun is never begun again.
 */
export class HookOutbox extends DurableObject<Env> {
  readonly #queue: Queue;
  #sealer: Sealer | undefined;
  #arrived = Promise.withResolvers<void>();

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#queue = new Queue(state.storage.sql);
    this.#queue.cutBegun(Date.now());
    void state.blockConcurrencyWhile(async () => await this.#wakeLater());
  }

  /** Takes a delivery whose agent is to be asked `text`; false when too many wait. */
  async take(delivery: Delivery, text: Uint8Array): Promise<boolean> {
    const payload = await (await this.#sealed(delivery)).seal(`asked:${delivery.id}`, text);
    const taken = this.#queue.add(delivery, payload, Date.now());
    await this.#wakeLater();
    return taken;
  }

  /** What could not be delivered, without a word of it. */
  deadLetters(): DeadLetter[] {
    return this.#queue.dead(Date.now());
  }

  /** Sends one of those again; false when it is not there. */
  async sendAgain(id: string): Promise<boolean> {
    const found = this.#queue.revive(id, Date.now());
    await this.#wakeLater();
    return found;
  }

  /** Does all that is due, and what becomes due meanwhile. */
  override async alarm(): Promise<void> {
    const end = Date.now() + ROUND_MS;
    const running = new Set<Promise<void>>();
    this.#queue.forget(Date.now());
    for (;;) {
      for (let job = this.#claim(running, end); job !== null; job = this.#claim(running, end)) {
        const work = this.#work(job).finally(() => running.delete(work));
        running.add(work);
      }
      if (running.size === 0) {
        break;
      }
      this.#arrived = Promise.withResolvers();
      await Promise.race([...running, this.#arrived.promise]);
    }
    await this.#wakeLater();
  }

  #claim(running: ReadonlySet<unknown>, end: number): Job | null {
    const now = Date.now();
    return running.size < AT_ONCE && now < end ? this.#queue.claim(now) : null;
  }

  async #work(job: Job): Promise<void> {
    try {
      await (job.state === "asked" ? this.#ask(job) : this.#send(job));
    } catch (error) {
      this.#log(job, "failed", null, String(error));
      if (job.state === "asked") {
        this.#queue.answered(job.id, null, Date.now());
      } else {
        this.#settle(job, null, false);
      }
    }
  }

  async #ask(job: Job): Promise<void> {
    const sealer = await this.#sealed(job);
    const text = await sealer.open(`asked:${job.id}`, job.payload ?? new Uint8Array());
    const answer = await runChat(this.env, job, text);
    this.#queue.answered(job.id, await sealer.seal(`answered:${job.id}`, answer), Date.now());
  }

  async #send(job: Job): Promise<void> {
    const hook = await readHook(this.env[EDGE.BINDING_TENANTS], job.hook);
    // A try that was cut has been counted all the same.
    if (hook?.deliver_to === undefined || hook.tenant !== job.tenant || job.tries > HOOKS.TRIES) {
      this.#settle(job, null, true);
      return;
    }
    const { tenant, versions, deliver_to } = hook;
    const receiver = { tenant, id: job.hook, versions, deliver_to };
    const reply = await sendAnswer(this.env[EDGE.SECRET_PEPPER], receiver, job.id, await this.#answer(job));
    this.#settle(job, reply.status, reply.status === GONE, reply.retryAfterS);
  }

  async #answer(job: Job): Promise<Uint8Array> {
    if (job.payload === null) {
      return failed(job, new RefusedError(ERRORS.CHAT_CUT));
    }
    return await (await this.#sealed(job)).open(`answered:${job.id}`, job.payload);
  }

  #settle(job: Job, status: number | null, over: boolean, retryAfterS = 0): void {
    const now = Date.now();
    if (status !== null && status >= 200 && status < 300) {
      this.#queue.done(job.id);
      this.#log(job, "delivered", status);
    } else if (over || job.tries >= HOOKS.TRIES) {
      this.#queue.bury(job.id, status, now);
      this.#log(job, "dead", status);
    } else {
      this.#queue.retry(job.id, status, now + Math.max(backoffMs(job.tries), retryAfterS * 1000));
      this.#log(job, "retry", status);
    }
  }

  #log({ id, tenant, hook, agent, tries }: Job, outcome: string, status: number | null, reason?: string): void {
    const line = { event: "hook_delivery", request_id: id, tenant, hook, agent, outcome, tries, status, reason };
    console.log(JSON.stringify(line));
  }

  async #sealed({ tenant, hook }: Delivery): Promise<Sealer> {
    this.#sealer ??= await Sealer.of(this.env[EDGE.SECRET_PEPPER], tenant, hook);
    return this.#sealer;
  }

  async #wakeLater(): Promise<void> {
    this.#arrived.resolve();
    const next = this.#queue.next();
    if (next !== null) {
      await this.ctx.storage.setAlarm(next);
    }
  }
}
