// What is different between two states of a document, object by object, in words.

import { type AttributeValue, type LabelObject, same } from "./document.ts";

export interface ObjectChange {
  id: number;
  kind: "new" | "gone" | "changed";
  /** What is different about it: "moved", "Car → Truck", "state: parked → moving". */
  words: string[];
}

const worded = (value: AttributeValue | undefined): string => (value === undefined || value === null || value === "" ? "none" : Array.isArray(value) ? value.join(", ") : String(value));

/** Changes from `then` to `now`, by number of the object. `label`: how a class is called. */
export function changesBetween(then: ReadonlyMap<number, LabelObject>, now: Iterable<LabelObject>, label: (name: string) => string): ObjectChange[] {
  const found: ObjectChange[] = [];
  const seen = new Set<number>();
  for (const object of now) {
    seen.add(object.id);
    const before = then.get(object.id);
    if (!before) found.push({ id: object.id, kind: "new", words: ["new"] });
    else if (!same(before, object)) found.push({ id: object.id, kind: "changed", words: wordsFor(before, object, label) });
  }
  for (const id of then.keys()) if (!seen.has(id)) found.push({ id, kind: "gone", words: ["gone"] });
  return found.sort((a, b) => a.id - b.id);
}

function wordsFor(a: LabelObject, b: LabelObject, label: (name: string) => string): string[] {
  const words: string[] = [];
  if (a.class !== b.class) words.push(`${label(a.class)} → ${label(b.class)}`);
  if (!same(a.shape, b.shape)) words.push(a.shape?.type === b.shape?.type ? "another outline" : `${a.shape?.type ?? "nothing"} → ${b.shape?.type ?? "nothing"}`.replaceAll("_", " "));
  const keys = keysChanged(a, b);
  if (keys) words.push(`${keys} keyframe${keys === 1 ? "" : "s"}`);
  for (const name of new Set([...Object.keys(a.attributes ?? {}), ...Object.keys(b.attributes ?? {})])) {
    const [was, is] = [a.attributes?.[name], b.attributes?.[name]];
    if (!same(was, is)) words.push(`${name}: ${worded(was)} → ${worded(is)}`);
  }
  return words.length ? words : ["its settings"];
}

/** Frames at which the two tracks have different keyframes. */
function keysChanged(a: LabelObject, b: LabelObject): number {
  const before = new Map((a.keyframes ?? []).map((key) => [key.frame, key]));
  const after = new Map((b.keyframes ?? []).map((key) => [key.frame, key]));
  return [...new Set([...before.keys(), ...after.keys()])].filter((frame) => !same(before.get(frame), after.get(frame))).length;
}
