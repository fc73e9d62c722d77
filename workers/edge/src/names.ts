import { EDGE } from "./generated/contract";

const NAME = new RegExp(`^${EDGE.NAME_PATTERN}$`);

/** Whether `text` can be the name of an agent or a hook. */
export function isName(text: string): boolean {
  return NAME.test(text);
}
