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

/** Whether a region could be reached when it was last asked, and until when (ms) that says anything. */
interface Heard {
  readonly up: boolean;
  readonly until: number;
}

/** What this isolate heard of regions last, by name. */
const heard = new Map<string, Heard>();

/** Has this isolate ask a region last for a while: it could not be reached. */
export function markDown(region: string, now: number = Date.now()): void {
  heard.set(region, { up: false, until: now + EDGE.REGION_DOWN_S * 1000 });
}

/** Notes that a region has answered: it counts as one this isolate can reach for as long as a connection may take. */
export function markHeard(region: string, now: number = Date.now()): void {
  heard.set(region, { up: true, until: now + LIMITS.CONNECT_S * 1000 });
}

/** Whether a region has answered this isolate lately. */
export function wasHeard(region: string, now: number = Date.now()): boolean {
  return lately(region, now)?.up === true;
}

/**
 * The regions in the order they are asked: those that could be reached lately first, of these the nearest first, and
 * else as the platform prefers. None is left out: where all are down, one of them may be up again.
 */
export function inOrder(regions: readonly Region[], place: Place, now: number = Date.now()): readonly Region[] {
  if (regions.length < 2) {
    return regions;
  }
  const rank = (region: Region): number => (lately(region.name, now)?.up === false ? 3 : 0) + distance(region, place);
  return regions.toSorted((one, other) => rank(one) - rank(other));
}

function lately(region: string, now: number): Heard | undefined {
  const last = heard.get(region);
  return last !== undefined && now < last.until ? last : undefined;
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
