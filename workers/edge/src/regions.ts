import { EDGE } from "./generated/contract";

/** Most regions asked for one request. */
export const MOST_TRIES = 2;

/** A region that may be asked for an agent: the origin of its gateways, and the clients it is near to. */
export interface Region {
  readonly name: string;
  readonly origin: string;
  /** Cloudflare's colos (three letters) and continents (two). */
  readonly near: readonly string[];
}

/** Where a request came in, as the runtime says it. */
export interface Place {
  readonly colo?: string | undefined;
  readonly continent?: string | undefined;
}

/** Where a request came in; nowhere in particular where the runtime does not say. */
export function placeOf(request: Request): Place {
  return (request.cf ?? {}) as Place;
}

/** What this isolate knows of regions it could not reach: by name, until when (ms) they are asked last. */
const down = new Map<string, number>();

/** Has this isolate ask a region last for a while. */
export function markDown(region: string, now: number = Date.now()): void {
  down.set(region, now + EDGE.REGION_DOWN_S * 1000);
}

/**
 * The regions in the order they are asked: those that could be reached lately first, of these the nearest first, and
 * else as the platform prefers. None is left out: where all are down, one of them may be up again.
 */
export function inOrder(regions: readonly Region[], place: Place, now: number = Date.now()): Region[] {
  const rank = (region: Region): number => (isDown(region.name, now) ? 3 : 0) + distance(region, place);
  return regions.toSorted((one, other) => rank(one) - rank(other));
}

function isDown(region: string, now: number): boolean {
  return (down.get(region) ?? 0) > now;
}

function distance({ near }: Region, { colo, continent }: Place): number {
  if (colo !== undefined && near.includes(colo)) {
    return 0;
  }
  return continent !== undefined && near.includes(continent) ? 1 : 2;
}
