import { readdirSync, readFileSync } from "node:fs";

/** The runtime's process: the one child of this one that is called so. Null where the system does not say. */
export function runtimeProcess(): number | null {
  try {
    const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").trim().split(" ");
    return children.map(Number).find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "workerd") ?? null;
  } catch {
    return null;
  }
}

/** Milliseconds of processor time a process has used, all its threads together (Linux's scheduler counts nanoseconds). */
export function processorTime(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  return nanoseconds / 1e6;
}
