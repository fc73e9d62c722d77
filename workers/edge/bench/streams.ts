import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";

/**
 * How many streams are open at once, how many events each has, and how long the agent waits between two (ms): so long that
 * two cores can carry them all. Where they cannot, streams come late and one after another, and few are open together.
 */
export const STREAMS = 1000;
export const EVENTS = 8;
export const PAUSE_MS = 2500;

/** One event, as the upstream writes it and the client must find it. */
export const eventOf = (stream: number, number: number): string => `data: ${stream}/${number}\n\n`;

/** Opens STREAMS at once, and says how many events came whole and in order, and the most that were open together. */
export async function streams(url: URL, headers: Record<string, string>): Promise<{ came: number; open: number }> {
  let open = 0;
  let most = 0;
  const one = async (stream: number): Promise<number> => {
    const request = httpRequest(url.href, { agent: false, method: "POST", headers });
    const answered = once(request, "response") as Promise<[IncomingMessage]>;
    request.end(JSON.stringify({ model: "helper", stream: true, user: String(stream), messages: [] }));
    const [response] = await answered;
    open += 1;
    most = Math.max(most, open);
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) {
      text += chunk;
    }
    open -= 1;
    const events = text.split(/(?<=\n\n)/);
    return events.filter((event, number) => event === eventOf(stream, number)).length;
  };
  const came = await Promise.all(Array.from({ length: STREAMS }, (_, stream) => one(stream)));
  return { came: came.reduce((sum, count) => sum + count), open: most };
}
