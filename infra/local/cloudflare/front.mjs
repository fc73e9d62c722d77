// The port clients connect to. It outlives the runtime's restarts, and tells the runtime when a client is gone.
import { connect, createServer } from "node:net";

const HOST = "127.0.0.1";

/** Listens on `port`; `workerPort()` resolves to the runtime's port as soon as it serves. */
export function listen(port, workerPort) {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    client.on("error", () => {}); // its "close" follows
    workerPort().then((to) => join(client, to), () => client.resetAndDestroy());
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, HOST, resolve);
  });
}

/**
 * Carries bytes both ways. The runtime takes a client's FIN for half of a connection and streams on; Cloudflare's own
 * front takes it for the end. So does this one: a reset is what the runtime understands.
 */
function join(client, port) {
  if (client.destroyed) return;
  const worker = connect({ port, host: HOST, noDelay: true });
  const gone = () => worker.resetAndDestroy();
  client.once("end", gone).once("close", gone);
  // a runtime that breaks off must not look like one that has said everything
  worker.once("error", () => client.resetAndDestroy());
  client.pipe(worker, { end: false });
  worker.pipe(client);
}
