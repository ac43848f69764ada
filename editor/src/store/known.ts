// What the server has, as far as this visit knows, and merging of values kept by key.

import { type Attributes, type LabelObject, same } from "../model/document.ts";

interface Labels {
  objects: Iterable<LabelObject>;
  attributes?: Attributes;
  frames?: Record<string, Attributes>;
}

export class Known {
  readonly objects: Map<number, LabelObject>;
  attributes: Attributes;
  frames: Record<string, Attributes>;

  constructor(
    labels: Labels,
    public version: number,
  ) {
    this.objects = new Map([...labels.objects].map((object) => [object.id, object]));
    this.attributes = labels.attributes ?? {};
    this.frames = labels.frames ?? {};
  }
}

/** `theirs` with the keys that `mine` changed from `base`. */
export function mergedKeys<T>(base: Record<string, T>, mine: Record<string, T>, theirs: Record<string, T>): Record<string, T> {
  const merged = { ...theirs };
  for (const key of new Set([...Object.keys(base), ...Object.keys(mine)])) {
    if (same(base[key], mine[key])) continue;
    if (key in mine) merged[key] = mine[key];
    else delete merged[key];
  }
  return merged;
}
