/**
 * A request's body that is handed over in three pieces: its first byte, its second, and all the rest, each once the one
 * before has been taken.
 *
 * The runtime takes the first before it has a connection, and another only when that one has gone out. So the second
 * tells that there is a connection, which the runtime says nowhere else; and as long as the rest is held, nobody can
 * have had the request whole, so nobody can have acted on it. Where a runtime takes it all at once, it is never held,
 * and nothing is claimed.
 */
export class HeldBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #held = true;

  constructor(bytes: Uint8Array) {
    const { readable, writable } = new FixedLengthStream(bytes.byteLength);
    this.stream = readable;
    this.#writer = writable.getWriter();
    // A request that fails takes its body along: that it failed is told by the request.
    this.#hand(bytes).catch(() => undefined);
  }

  /** Whether some of the body has not been handed over: then nobody has the request whole. */
  get held(): boolean {
    return this.#held;
  }

  async #hand(bytes: Uint8Array): Promise<void> {
    await this.#writer.write(bytes.subarray(0, 1));
    await this.#writer.write(bytes.subarray(1, 2));
    this.#held = false;
    await Promise.all([this.#writer.write(bytes.subarray(2)), this.#writer.close()]);
  }
}
