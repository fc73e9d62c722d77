/**
 * A request's body that is handed over in two pieces: its first byte, and all the rest once the runtime asks for more.
 *
 * The runtime takes the first before it has a connection, and asks for more only when that one has gone out. So its
 * question tells that there is a connection, which the runtime says nowhere else; and as long as the rest is held,
 * nobody can have had the request whole, so nobody can have acted on it. Where a runtime takes it all at once, it is
 * never held, and nothing is claimed.
 */
export class HeldBody {
  readonly content: ReadableStream<Uint8Array>;
  #asked = 0;

  /** A body of two bytes at least, as any JSON object is. */
  constructor(bytes: Uint8Array) {
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      this.#asked += 1;
      if (this.held) {
        controller.enqueue(bytes.subarray(0, 1));
      } else {
        controller.enqueue(bytes.subarray(1));
        controller.close();
      }
    };
    this.content = new ReadableStream({ expectedLength: bytes.byteLength, pull }, { highWaterMark: 0 });
  }

  /** Whether some of the body has not been handed over: then nobody has the request whole. */
  get held(): boolean {
    return this.#asked < 2;
  }
}
