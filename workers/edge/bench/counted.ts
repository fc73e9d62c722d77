import { DurableObject, RpcTarget } from "cloudflare:workers";
import type { Env } from "../src/env.ts";
import { RATES } from "../src/generated/contract.ts";
import worker, { Limiter } from "../src/index.ts";

/** How many subrequests beside the one to the region a request has begun, in its answer. */
const SUBREQUESTS = "x-bench-subrequests";

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
    let count = 0;
    const limiter = new Proxy(env[RATES.BINDING_LIMITER], {
      get: (target, property) => {
        if (property === "getByName") {
          count += 1;
          return (name: string) => target.getByName(name);
        }
        return Reflect.get(target, property) as unknown;
      },
    });
    const answer = await worker.fetch(request, { ...env, [RATES.BINDING_LIMITER]: limiter }, context);
    const counted = new Response(answer.body, answer);
    counted.headers.set(SUBREQUESTS, String(count));
    return counted;
  },
} satisfies ExportedHandler<Env>;
