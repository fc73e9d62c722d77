import { HEADERS } from "./generated/contract";
import type { Usage } from "./limiter/rules";

const MARK = `:${HEADERS.USAGE} `;
/** Longest line that can say what was used, in bytes: the mark and two numbers. */
const LINE_BYTES = MARK.length + 34;
const NEWLINE = 0x0a;
const COLON = 0x3a;
const DATA = 0x64;
/** Of a prompt whose tokens nobody has counted: OpenAI's own rule of thumb for English. */
const BYTES_PER_TOKEN = 4;
const NUMBERS = /^(\d{1,16}) (\d{1,16})$/;

/** What `<read> <made>` says; null for anything else. */
export function parseUsage(text: string | null): Usage | null {
  const [, read, made] = NUMBERS.exec(text ?? "") ?? [];
  return read === undefined || made === undefined ? null : { read: Number(read), made: Number(made) };
}

/** About how many tokens a prompt has. */
export function tokensOf(prompt: Uint8Array): number {
  return Math.ceil(prompt.byteLength / BYTES_PER_TOKEN);
}

/**
 * Watches a stream's bytes go by for the comment in which the agent's door says what the answer took.
 *
 * Until that comes, the prompt counts as the `read` tokens it is held to have, and each event as one token made: a stream
 * that was left or broken off has cost about that.
 */
export class UsageWatch {
  readonly #line = new Uint8Array(LINE_BYTES);
  #length = 0;
  #first = 0;
  #events = 0;
  readonly #read: number;
  #said: Usage | null = null;

  constructor(read: number) {
    this.#read = read;
  }

  get usage(): Usage {
    return this.#said ?? { read: this.#read, made: this.#events };
  }

  feed(chunk: Uint8Array): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      this.#take(chunk, start, end < 0 ? chunk.length : end);
      if (end < 0) {
        return;
      }
      this.#endLine();
      start = end + 1;
    }
  }

  #take(chunk: Uint8Array, start: number, end: number): void {
    if (end === start) {
      return;
    }
    if (this.#length === 0) {
      this.#first = chunk[start] ?? 0;
    }
    if (this.#first === COLON && this.#length + end - start <= LINE_BYTES) {
      this.#line.set(chunk.subarray(start, end), this.#length);
    }
    this.#length += end - start;
  }

  #endLine(): void {
    if (this.#first === DATA) {
      this.#events += 1;
    } else if (this.#first === COLON && this.#length <= LINE_BYTES) {
      const line = new TextDecoder().decode(this.#line.subarray(0, this.#length));
      this.#said = (line.startsWith(MARK) ? parseUsage(line.slice(MARK.length)) : null) ?? this.#said;
    }
    this.#length = 0;
    this.#first = 0;
  }
}
