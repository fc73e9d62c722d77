import { bundle } from "../build.mjs";

/** Makes the bundle once for all the tests that deploy it. */
export async function setup(): Promise<void> {
  await bundle();
}
