import { MOST_TRIES, markDown, type Region } from "./regions";
import { ask, type Question, RegionError } from "./upstream";

interface Ways {
  /** Cancels the request and its answer. */
  readonly client: AbortSignal;
  /** Hears of each region before it is asked. */
  readonly asks: (region: string) => void;
  /** Hears of an answer that broke off. */
  readonly broke: (error: unknown) => void;
}

/**
 * The answer of the first of `regions`, or of the second where nothing can have run in the first: no chat runs twice.
 * Raises RefusedError, as `ask` does.
 */
export async function askRegions(regions: readonly Region[], question: Question, ways: Ways): Promise<Response> {
  let refusal: Response | undefined;
  let failure: unknown;
  for (const region of regions.slice(0, MOST_TRIES)) {
    ways.asks(region.name);
    try {
      const { response, passedOn } = await ask(region.origin, question, ways.client, ways.broke);
      if (passedOn) {
        return response;
      }
      refusal = response;
    } catch (error) {
      if (ways.client.aborted || !isUnreached(region, error)) {
        throw error;
      }
      failure = error;
    }
  }
  if (refusal === undefined) {
    throw failure;
  }
  // What a region said of the agent says more than that another could not be reached.
  return refusal;
}

/** Whether nothing can have run in the region that failed so; it is remembered as down, unless it was only slow. */
function isUnreached(region: Region, error: unknown): boolean {
  if (!(error instanceof RegionError)) {
    return false;
  }
  markDown(region.name);
  return error.unreached;
}
