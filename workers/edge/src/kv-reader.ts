import * as v from "valibot";
import { EDGE } from "./generated/contract";
import { keptRecords } from "./kept";

/** A KV record that is not what the program writes; the message names the field, never its value. */
export class RecordError extends Error {}

/** What a record says in words. */
export const text = v.pipe(v.string(), v.minLength(1));

/** How much of something a record grants. */
export const amount = v.pipe(v.number(), v.minValue(0));

/** Reads records of one shape, as they are or as they were at most the contract's time ago. Raises RecordError. */
export function recordsOf<T>(binding: string, schema: v.GenericSchema<unknown, T>) {
  return keptRecords<T>(async (namespace, key) => {
    const record: unknown = await namespace.get(key, { type: "json", cacheTtl: EDGE.KV_CACHE_S });
    if (record === null) {
      return null;
    }
    const result = v.safeParse(schema, record);
    if (!result.success) {
      const fields = new Set(result.issues.map((issue) => v.getDotPath(issue) ?? "the record"));
      throw new RecordError(`${binding}: ${[...fields].join(", ")} is missing or not what the program writes`);
    }
    return result.output;
  });
}
