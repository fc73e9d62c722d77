/** Bytes as lower-case hexadecimal digits. Not by `toHex` of the bytes: not every runtime the tests run in has it. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
