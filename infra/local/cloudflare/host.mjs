// Runs the deployed Workers in workerd and does what its parent asks: one JSON request a line in, one JSON answer a line
// out. It ends, and workerd with it, when its parent does.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { listen } from "./front.mjs";

const { Log, LogLevel, Miniflare } = createRequire(process.argv[2])("miniflare");

/** Characters of the runtime's latest output that explain why a script doesn't start. */
const TAIL = 4000;

/** Writes to standard error: standard output carries the answers. */
class ErrorLog extends Log {
  log(message) {
    process.stderr.write(`${message}\n`);
  }
}

let miniflare;
let current;
let serving = Promise.reject(new Error("not started"));
serving.catch(() => {});
let tail = "";

function follow(stdout, stderr) {
  for (const stream of [stdout, stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      tail = (tail + text).slice(-TAIL);
      process.stderr.write(text);
    });
  }
}

const operations = {
  /** Runs the Workers of `options` in place of those that run; where they don't start, those go on. */
  async apply({ options }) {
    tail = "";
    const before = current;
    const attempt = run(options);
    serving = before ? attempt.catch(() => run(before)) : attempt;
    try {
      await attempt;
    } catch (error) {
      const text = `${error.message}\n${tail}`.trim();
      await serving.catch(() => {});
      throw new Error(text);
    }
  },
  /** Opens the port clients connect to. */
  async listen({ port }) {
    await listen(port, () => serving);
  },
  async kvPut({ namespace, key, value }) {
    await (await store(namespace)).put(key, Buffer.from(value, "base64"));
  },
  async kvGet({ namespace, key }) {
    const value = await (await store(namespace)).get(key, "arrayBuffer");
    return value === null ? null : Buffer.from(value).toString("base64");
  },
  async kvDelete({ namespace, key }) {
    await (await store(namespace)).delete(key);
  },
  async kvList({ namespace, ...query }) {
    const { keys, cursor } = await (await store(namespace)).list(query);
    return { keys, cursor: cursor ?? "" };
  },
};

/** The port on which the runtime serves. Connections that come meanwhile wait for it. */
async function run(options) {
  const all = { ...options, log: new ErrorLog(LogLevel.WARN), handleRuntimeStdio: follow };
  if (miniflare) await miniflare.setOptions(all);
  else miniflare = new Miniflare(all);
  const { port } = await miniflare.ready;
  current = options;
  return Number(port);
}

/** The first Worker is bound to every namespace, under the namespace's id. */
function store(namespace) {
  return miniflare.getKVNamespace(namespace);
}

async function answer({ id, operation, ...request }) {
  try {
    return { id, result: (await operations[operation](request)) ?? null };
  } catch (error) {
    return { id, error: error.message };
  }
}

// One at a time: what is asked of KV while the runtime restarts would be lost.
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
await miniflare?.dispose().catch(() => {});
process.exit(0);
