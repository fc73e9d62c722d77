import { generateKeyPairSync } from "node:crypto";
import { Miniflare } from "miniflare";
import { bundle } from "../build.mjs";
import { EDGE, PATHS, RATES } from "../src/generated/contract.ts";
import { ACME_KEY, options, RUNTIME, seed, WIDE } from "../test/deployed.ts";
import { Way } from "./way.ts";
const CHAT = JSON.stringify({ model: "helper", messages: [{ role: "user", content: "hello" }] });
const REGION = `export default { async fetch(r) { await r.text(); return Response.json({ object: "chat.completion", choices: [] }); } };`;
await bundle();
const edge = await options(generateKeyPairSync("ed25519").privateKey);
const mf = new Miniflare({ ...RUNTIME, inspectorPort: 0, workers: [
 { ...edge, name: "edge", outboundService: "region" },
 { name: "region", modules: true, script: REGION, compatibilityDate: EDGE.COMPATIBILITY_DATE }] } as never);
await mf.ready;
await seed(mf, ["http://region.test"], WIDE, {}, "edge");
const way = new Way("edge", new URL(PATHS.CHAT_COMPLETIONS, await mf.ready), { authorization: `Bearer ${ACME_KEY}` });
for (let i = 0; i < 1500; i++) await way.ask(CHAT);
const inspector = await mf.getInspectorURL();
const listed = await (await fetch(new URL("/json", `http://${inspector.host}`))).json() as any[];
console.log(listed.map(l => l.id));
const found = listed.find(({ id }) => id === `core:user:edge`);
const socket = new WebSocket(found.webSocketDebuggerUrl);
await new Promise((r) => socket.addEventListener("open", r, { once: true }));
const waiting = new Map(); let last = 0;
socket.addEventListener("message", (e) => { const m = JSON.parse(String(e.data)); waiting.get(m.id)?.(m.result); });
const call = (method: string, params = {}) => new Promise<any>((r) => { waiting.set(++last, r); socket.send(JSON.stringify({ id: last, method, params })); });
await call("Profiler.enable"); await call("Profiler.setSamplingInterval", { interval: 100 }); await call("Profiler.start");
const N = 3000; const t = performance.now();
for (let i = 0; i < N; i++) await way.ask(CHAT);
const took = performance.now() - t;
const { profile } = await call("Profiler.stop");
const self = new Map<string, number>(); const total = new Map<string, number>();
const byId = new Map(profile.nodes.map((n: any) => [n.id, n])); const parent = new Map();
for (const n of profile.nodes) for (const c of n.children ?? []) parent.set(c, n.id);
const nm = (n: any) => `${n.callFrame.functionName || "(anon)"} ${n.callFrame.url.split("/").pop()}:${n.callFrame.lineNumber + 1}`;
profile.samples.forEach((s: number, i: number) => {
  const d = Math.min((profile.timeDeltas[i + 1] ?? 100), 1000) / 1000 / N;
  const n: any = byId.get(s); self.set(nm(n), (self.get(nm(n)) ?? 0) + d);
  const seen = new Set(); for (let at: any = s; at !== undefined; at = parent.get(at)) { const k = nm(byId.get(at)); if (!seen.has(k)) { seen.add(k); total.set(k, (total.get(k) ?? 0) + d); } }
});
const top = (m: Map<string, number>, k: number) => [...m].sort((a, b) => b[1] - a[1]).slice(0, k).map(([n, v]) => `${v.toFixed(4)} ${n}`).join("\n");
console.log("ms/request", (took / N).toFixed(3)); console.log("SELF\n" + top(self, 45)); console.log("TOTAL\n" + top(total, 70));
way.close(); await mf.dispose();
