/** What can be used up of something. Times are milliseconds since the epoch. */
export interface Budget {
  /** How much is in use. */
  used(now: number): number;
  /** When less than `capacity` is in use at the earliest; Infinity where no time alone can tell. */
  frees(now: number, capacity: number): number;
}

/** Forgotten admissions stay in memory until there are so many. */
const SLACK = 1024;

/** Admissions of the last `length` milliseconds, each with its own time: one at t is in use until, and not at, t + length. */
export class Window implements Budget {
  readonly #length: number;
  #times: number[] = [];
  #first = 0;

  constructor(length: number) {
    this.#length = length;
  }

  /** Times come in order: what a clock that was set back admits is not over before what it admitted earlier. */
  note(at: number): void {
    this.#times.push(Math.max(at, this.#times.at(-1) ?? at));
  }

  used(now: number): number {
    while (this.#first < this.#times.length && (this.#times[this.#first] ?? 0) + this.#length <= now) {
      this.#first += 1;
    }
    if (this.#first > SLACK && this.#first * 2 > this.#times.length) {
      this.#times = this.#times.slice(this.#first);
      this.#first = 0;
    }
    return this.#times.length - this.#first;
  }

  frees(now: number, capacity: number): number {
    const used = this.used(now);
    if (used < capacity) {
      return now;
    }
    const last = capacity <= 0 ? undefined : this.#times[this.#first + used - capacity];
    return last === undefined ? Number.POSITIVE_INFINITY : last + this.#length;
  }
}

/** What is held until it is given back, or until nobody has said for a while that it is still held. */
export class Leases implements Budget {
  readonly #until = new Map<string, number>();

  /** Begins a lease, or goes on with one. */
  hold(id: string, until: number): void {
    this.#until.set(id, until);
  }

  end(id: string): void {
    this.#until.delete(id);
  }

  used(now: number): number {
    for (const [id, until] of this.#until) {
      if (until <= now) {
        this.#until.delete(id);
      }
    }
    return this.#until.size;
  }

  frees(now: number, capacity: number): number {
    return this.used(now) < capacity ? now : Number.POSITIVE_INFINITY;
  }
}

/** What one month has used up. */
export class Spent implements Budget {
  #amount: number;

  constructor(amount = 0) {
    this.#amount = amount;
  }

  note(amount: number): void {
    this.#amount += amount;
  }

  used(): number {
    return this.#amount;
  }

  frees(now: number, capacity: number): number {
    return this.#amount < capacity ? now : Number.POSITIVE_INFINITY;
  }
}
