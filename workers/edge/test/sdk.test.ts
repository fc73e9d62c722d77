import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HEADERS, PATHS } from "../src/generated/contract";
import { ACME_KEY, type Deployed, deploy, GLOBEX_KEY } from "./deployed";
import { Upstream } from "./upstream";

const CHAT = { model: "helper", messages: [{ role: "user" as const, content: "hello" }] };
const STREAM = { "content-type": "text/event-stream" };

let upstream: Upstream;
let edge: Deployed;

beforeAll(async () => {
  upstream = await Upstream.start();
  edge = await deploy(upstream.origin);
});

afterAll(async () => {
  await edge.stop();
  await upstream.stop();
});

/** OpenAI's SDK as its users make it: base URL and key, no more. */
function client(apiKey = ACME_KEY): OpenAI {
  return new OpenAI({ baseURL: new URL("/v1", edge.url).href, apiKey, maxRetries: 0 });
}

const chunk = (content: string) =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", choices: [{ index: 0, delta: { content } }] })}\n\n`;

describe("OpenAI's SDK", () => {
  it("chats", async () => {
    const asked = client().chat.completions.create(CHAT);
    const { body, response } = await upstream.next();
    expect(JSON.parse(body)).toEqual(CHAT);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ object: "chat.completion", choices: [{ message: { content: "hi" } }] }));
    const answer = await asked;
    expect(answer.choices[0]?.message.content).toBe("hi");
    expect(answer._request_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("streams, over heartbeats", async () => {
    const asked = client().chat.completions.create({ ...CHAT, stream: true });
    const { response } = await upstream.next();
    response.writeHead(200, STREAM);
    response.end(`: still here\n\n${chunk("one ")}: still here\n\n${chunk("two")}data: [DONE]\n\n`);
    const words: unknown[] = [];
    for await (const { choices } of await asked) {
      words.push(choices[0]?.delta.content);
    }
    expect(words).toEqual(["one ", "two"]);
  });

  it("raises where a stream breaks off", async () => {
    const asked = client().chat.completions.create({ ...CHAT, stream: true });
    const { response } = await upstream.next();
    response.writeHead(200, STREAM);
    response.write(chunk("one"));
    const stream = await asked;
    const read = async () => {
      for await (const _ of stream) {
        response.destroy();
      }
    };
    await expect(read()).rejects.toMatchObject({ code: "upstream_failed" });
  });

  it("cancels at the gateway when its user does", async () => {
    const asked = client().chat.completions.create({ ...CHAT, stream: true });
    const { response } = await upstream.next();
    const closed = new Promise((resolve) => response.on("close", resolve));
    const words = setInterval(() => response.write(chunk("more ")), 10);
    response.writeHead(200, STREAM);
    for await (const _ of await asked) {
      break;
    }
    await closed;
    clearInterval(words);
    expect(response.writableFinished).toBe(false);
  });

  it("asks for a response, streamed", async () => {
    const asked = client().responses.create({ model: "helper", input: "hello", stream: true });
    const { request, response } = await upstream.next();
    expect(request.url).toBe(PATHS.RESPONSES);
    response.writeHead(200, STREAM);
    response.end('event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"hi"}\n\n');
    const types: string[] = [];
    for await (const event of await asked) {
      types.push(event.type);
    }
    expect(types).toEqual(["response.output_text.delta"]);
  });

  it("lists the agents of its key", async () => {
    const listed: string[] = [];
    for await (const model of client(GLOBEX_KEY).models.list()) {
      listed.push(`${model.owned_by}/${model.id}`);
    }
    expect(listed).toEqual(["globex/analyst"]);
  });

  it("raises what its users expect of a key there is not", async () => {
    const asked = client(`${ACME_KEY.slice(0, -1)}_`).chat.completions.create(CHAT);
    await expect(asked).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(asked).rejects.toMatchObject({ code: "invalid_api_key" });
  });

  it("raises what its users expect of an agent there is not", async () => {
    const asked = client().chat.completions.create({ ...CHAT, model: "none" });
    await expect(asked).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(asked).rejects.toMatchObject({ code: "model_not_found" });
  });

  it("raises what its users expect of an agent that is not ready", async () => {
    const asked = client().chat.completions.create(CHAT);
    const { response } = await upstream.next();
    response.writeHead(503, { "content-type": "application/json", [HEADERS.NOT_PASSED_ON]: "1", "retry-after": "5" });
    response.end(
      JSON.stringify({ error: { message: "m", type: "server_error", param: null, code: "agent_not_ready" } }),
    );
    await expect(asked).rejects.toBeInstanceOf(OpenAI.InternalServerError);
    await expect(asked).rejects.toMatchObject({ status: 503, code: "agent_not_ready" });
  });
});
