import { DurableObject, RpcTarget } from "cloudflare:workers";
import type { Env } from "../src/env.ts";
import { RATES } from "../src/generated/contract.ts";
import worker, { Limiter } from "../src/index.ts";

/** How many calls of the limiter's objects have been begun so far, in each answer: subrequests beside those to the region. */
const CALLS = "x-bench-calls";
let calls = 0;

/** As much of the limiter's object as it takes to be asked and told the end. */
class Nothing extends RpcTarget {
  settle(): void {}
}

export class Empty extends DurableObject {
  admit(): Nothing {
    return new Nothing();
  }
}

export { Limiter };
export default {
  async fetch(request, env, context) {
    const limiter = new Proxy(env[RATES.BINDING_LIMITER], {
      get: (target, property) => {
        if (property === "getByName") {
          calls += 1;
          return (name: string) => target.getByName(name);
        }
        return Reflect.get(target, property) as unknown;
      },
    });
    const answer = await worker.fetch(request, { ...env, [RATES.BINDING_LIMITER]: limiter }, context);
    const counted = new Response(answer.body, answer);
    counted.headers.set(CALLS, String(calls));
    return counted;
  },
} satisfies ExportedHandler<Env>;
