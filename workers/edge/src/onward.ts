import { MOST_TRIES, markDown, markHeard, type Region, wasHeard } from "./regions";
import { ask, type Others, type Question, RegionError } from "./upstream";

interface Ways extends Others {
  /** Hears of each region before it is asked. */
  readonly asks: (region: string) => void;
}

/**
 * The answer of the first of `regions`, or of the second where nothing can have run in the first: no chat runs twice.
 * Raises RefusedError, as `ask` does.
 */
export async function askRegions(regions: readonly Region[], question: Question, ways: Ways): Promise<Response> {
  let refusal: Response | undefined;
  let failure: unknown;
  const tries = regions.slice(0, MOST_TRIES);
  for (const [at, region] of tries.entries()) {
    ways.asks(region.name);
    // To hold a body has its price: it buys a proof that lets another be asked, or early word that no connection comes.
    const hold = at + 1 < tries.length || !wasHeard(region.name);
    try {
      const { response, passedOn } = await ask(region.origin, question, hold, ways);
      markHeard(region.name);
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
