// A zone's firewall: stands before a Worker, asks the zone's custom rules and rate limits as Cloudflare does, and passes on
// what none of them refuses. Its counters last as long as the runtime.
import { holds } from "./evaluate.mjs";

/** Clients are all on this machine. */
const CLIENT = "127.0.0.1";
const CHALLENGES = new Set(["challenge", "js_challenge", "managed_challenge"]);
/** How long the rest of a refused request is waited for. */
const PATIENCE_MS = 1000;
/** Rule and client -> how many requests were counted since when, and until when more are refused; in milliseconds. */
const counters = new Map();

export default {
  async fetch(request, env) {
    const fields = fieldsOf(request, env.HOST);
    const custom = env.RULES.custom.find((rule) => rule.action !== "log" && holds(rule.expression, fields));
    if (custom) return await refuse(custom, request);
    const limits = env.RULES.rates.filter((rule) => holds(rule.expression, fields));
    const over = limits.find((rule) => isOver(rule, fields));
    if (over) return await refuse(over, request);
    const answer = await env.NEXT.fetch(request);
    const seen = { ...fields, "http.response.code": answer.status };
    for (const rule of limits) if (rule.counts_answers && holds(rule.counting, seen)) count(rule, fields);
    return answer;
  },
};

function fieldsOf(request, onlyHost) {
  const url = new URL(request.url);
  const names = [...request.headers.keys()];
  const values = [...request.headers.values()];
  const query = url.search.slice(1);
  const host = onlyHost || url.hostname;
  return {
    "cf.worker.upstream_zone": "",
    "http.host": host,
    "http.request.body.size": Number(request.headers.get("content-length") ?? 0),
    "http.request.full_uri": `${url.protocol}//${host}${url.pathname}${url.search}`,
    "http.request.headers": Object.fromEntries(names.map((name, at) => [name, [values[at]]])),
    "http.request.headers.names": names,
    "http.request.headers.values": values,
    "http.request.method": request.method,
    "http.request.uri": `${url.pathname}${url.search}`,
    "http.request.uri.args": argsOf(query),
    "http.request.uri.path": url.pathname,
    "http.request.uri.query": query,
    "http.user_agent": request.headers.get("user-agent") ?? "",
    "ip.src": CLIENT,
    ssl: url.protocol === "https:",
  };
}

function argsOf(query) {
  const args = {};
  for (const pair of query.split("&").filter(Boolean)) {
    const [name, ...rest] = pair.split("=");
    args[name] = [...(args[name] ?? []), rest.join("=")];
  }
  return args;
}

/** Whether a client has asked too often; asks that need no answer to be counted are counted here. */
function isOver(rule, fields) {
  if (Date.now() < counter(rule, fields).until) return true;
  return !rule.counts_answers && holds(rule.counting, fields) && count(rule, fields);
}

function counter(rule, fields) {
  const key = JSON.stringify([rule.ref, rule.characteristics.map((name) => fields[name])]);
  if (!counters.has(key)) counters.set(key, { since: Date.now(), counted: 0, until: 0 });
  return counters.get(key);
}

/** Counts one more, and says whether it was one too many. */
function count(rule, fields) {
  const one = counter(rule, fields);
  const now = Date.now();
  if (now - one.since >= rule.period * 1000) Object.assign(one, { since: now, counted: 0 });
  one.counted += 1;
  if (one.counted <= rule.requests_per_period) return false;
  one.until = now + rule.mitigation_timeout * 1000;
  return true;
}

/** Answers once the request is in: a connection closed on a client that still sends loses the answer on the way. */
async function refuse(rule, request) {
  const sent = request.body?.pipeTo(new WritableStream()).catch(() => {});
  await Promise.race([sent, scheduler.wait(PATIENCE_MS)]);
  return refusal(rule);
}

/** What Cloudflare answers, and which rule it was. */
function refusal({ ref, action, response }) {
  const headers = { "moltghost-local-rule": ref };
  if (CHALLENGES.has(action)) {
    return new Response("A challenge stands here.", { status: 403, headers: { ...headers, "cf-mitigated": "challenge" } });
  }
  const { status_code: status, content_type: type, content } = response;
  return new Response(content, { status, headers: { ...headers, "content-type": type } });
}
