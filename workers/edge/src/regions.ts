import { EDGE, LIMITS } from "./generated/contract";

/** Most regions asked for one request. */
export const MOST_TRIES = 2;

/** A region that may be asked for an agent: the origin of its gateways, and the clients it is near to. */
export interface Region {
  readonly name: string;
  readonly origin: string;
  /** Cloudflare's colos (three letters) and continents (two). */
  readonly near: readonly string[];
}

/** Where a request came in. */
export interface Place {
  readonly colo?: string | undefined;
  readonly continent?: string | undefined;
}

/** How a ray's identifier ends, which every request of Cloudflare's has: by the colo (its documentation of `CF-Ray`). */
const RAY = /-([A-Z]{3})$/;

/**
 * Where a request came in; nowhere in particular where the runtime does not say. Each is found out once it is asked for:
 * the runtime makes all it knows of a connection readable as soon as one looks at any of it.
 */
export function placeOf(request: Request): Place {
  const told = (): Place => (request.cf ?? {}) as Place;
  return {
    get colo() {
      return RAY.exec(request.headers.get("cf-ray") ?? "")?.[1] ?? told().colo;
    },
    get continent() {
      return told().continent;
    },
  };
}

/**
 * What this isolate knows of regions it could not reach: by name, until when (ms) they are asked last. Apart from `heard`, for
 * an answer takes nothing back: it may be to what was asked before, on a connection that outlived the way to new ones.
 */
const down = new Map<string, number>();

/** Until when (ms) a region that answered this isolate counts as one it can reach: as long as a connection may take. */
const heard = new Map<string, number>();

/** Has this isolate ask a region last for a while. */
export function markDown(region: string, now: number = Date.now()): void {
  down.set(region, now + EDGE.REGION_DOWN_S * 1000);
  heard.delete(region);
}

/** Notes that a region has answered. */
export function markHeard(region: string, now: number = Date.now()): void {
  heard.set(region, now + LIMITS.CONNECT_S * 1000);
}

/** Whether a region has answered this isolate lately. */
export function wasHeard(region: string, now: number = Date.now()): boolean {
  return (heard.get(region) ?? 0) > now;
}

/**
 * The regions in the order they are asked: those that could be reached lately first, of these the nearest first, and
 * else as the platform prefers. None is left out: where all are down, one of them may be up again.
 */
export function inOrder(regions: readonly Region[], place: Place, now: number = Date.now()): readonly Region[] {
  if (regions.length < 2) {
    return regions;
  }
  const rank = (region: Region): number => (isDown(region.name, now) ? 3 : 0) + distance(region, place);
  return regions.toSorted((one, other) => rank(one) - rank(other));
}

function isDown(region: string, now: number): boolean {
  return (down.get(region) ?? 0) > now;
}

function distance({ near }: Region, place: Place): number {
  if (near.length === 0) {
    return 2;
  }
  const { colo } = place;
  if (colo !== undefined && near.includes(colo)) {
    return 0;
  }
  const { continent } = place;
  return continent !== undefined && near.includes(continent) ? 1 : 2;
}
