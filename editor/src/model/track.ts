// An object at a frame, and changing it there. Images are one frame without keyframes.

import { between } from "../geometry/interpolate.ts";
import type { Shape } from "../geometry/kinds.ts";
import type { AttributeValue, Attributes, Keyframe, LabelObject } from "./document.ts";
import { same, withValue } from "./document.ts";

/** What is to be seen of an object at one frame. `keyframe`: it is set there, not interpolated. */
export interface Seen {
  shape: Shape;
  keyframe: boolean;
}

/** Index of the last keyframe at or before `frame`; -1 when there is none. */
export function keyIndex(keyframes: Keyframe[], frame: number): number {
  let low = 0;
  let high = keyframes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keyframes[middle].frame <= frame) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const seen = new WeakMap<LabelObject, { frame: number; value: Seen | null }>();

/** The object's shape at the frame, or null where it is not in the picture. */
export function at(object: LabelObject, frame: number): Seen | null {
  if (object.shape) return { shape: object.shape, keyframe: true };
  const kept = seen.get(object);
  if (kept && kept.frame === frame) return kept.value;
  const value = compute(object.keyframes ?? [], frame);
  seen.set(object, { frame, value });
  return value;
}

function compute(keyframes: Keyframe[], frame: number): Seen | null {
  const index = keyIndex(keyframes, frame);
  if (index < 0 || keyframes[index].outside) return null;
  const shape = shapeAt(keyframes, index, frame);
  return shape && { shape, keyframe: keyframes[index].frame === frame };
}

/** From the last shape towards the next one; an `outside` keyframe without a shape between them stops it. */
function shapeAt(keyframes: Keyframe[], index: number, frame: number): Shape | null {
  let first = index;
  while (first >= 0 && !keyframes[first].shape) first--;
  if (first < 0) return null;
  const from = keyframes[first];
  for (let i = first + 1; i < keyframes.length && from.frame !== frame; i++) {
    const to = keyframes[i];
    if (to.shape) return between(from.shape!, to.shape, (frame - from.frame) / (to.frame - from.frame));
    if (to.outside) break;
  }
  return from.shape!;
}

function lastShape(keyframes: Keyframe[], index: number): Shape | null {
  for (let i = index; i >= 0; i--) if (keyframes[i].shape) return keyframes[i].shape!;
  return null;
}

/** The object's attributes at the frame: its own, overlaid by what keyframes up to there have set; null takes away. */
export function attributesAt(object: LabelObject, frame: number): Attributes {
  const all = { ...object.attributes };
  for (const key of object.keyframes ?? []) {
    if (key.frame > frame) break;
    Object.assign(all, key.attributes);
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

/** The same for one frame after another, from earlier to later ones: each keyframe is looked at once. */
export function readingOf(object: LabelObject): (frame: number) => Attributes {
  const keys = object.keyframes ?? [];
  const all = { ...object.attributes };
  let next = 0;
  return (frame) => {
    while (next < keys.length && keys[next].frame <= frame) Object.assign(all, keys[next++].attributes);
    return all;
  };
}

/** The keyframes with the values that `wanted` gives at each of them, said where they differ from what holds before it.
 * `own` holds before the first; only `names` are said anew. */
export function stating(keyframes: Keyframe[], own: Attributes, names: ReadonlySet<string>, wanted: (frame: number) => Attributes): Keyframe[] {
  if (!names.size) return keyframes;
  const now: Attributes = { ...own };
  return keyframes.map((key) => {
    const want = wanted(key.frame);
    const said = Object.fromEntries(Object.entries(key.attributes ?? {}).filter(([name]) => !names.has(name)));
    for (const name of names) {
      if (!same(now[name], want[name])) said[name] = now[name] = want[name] ?? null;
    }
    return { ...key, attributes: said };
  });
}

/** Does the object look different at the frame, or hold other values there? */
export function differsAt(before: LabelObject | undefined, after: LabelObject | undefined, frame: number): boolean {
  const [was, is] = [before && at(before, frame), after && at(after, frame)];
  if (!was && !is) return false;
  const whole = (o: LabelObject | undefined): unknown => o && { ...o, keyframes: null, attributes: attributesAt(o, frame) };
  return !same(was?.shape, is?.shape) || !same(whole(before), whole(after));
}

/** Frames of the keyframes that are not the same in both; of one that was not there: all. */
export function changedFrames(before: LabelObject | undefined, after: LabelObject | undefined): number[] {
  const [was, is] = [before, after].map((o) => new Map((o?.keyframes ?? []).map((key) => [key.frame, key])));
  return [...new Set([...was.keys(), ...is.keys()])].filter((frame) => !same(was.get(frame), is.get(frame)));
}

/** Runs of frames (first, last; both included) in which the object is in the picture. */
export function visibleSpans(object: LabelObject, frames: number): [number, number][] {
  if (object.shape) return frames ? [[0, frames - 1]] : [];
  const keys = (object.keyframes ?? []).filter((key) => key.frame < frames);
  const spans: [number, number][] = [];
  let shaped = false;
  keys.forEach((key, i) => {
    shaped ||= !!key.shape;
    if (key.outside || !shaped) return;
    const last = (keys[i + 1]?.frame ?? frames) - 1;
    const before = spans.at(-1);
    if (before && before[1] === key.frame - 1) before[1] = last;
    else spans.push([key.frame, last]);
  });
  return spans;
}

/** The keyframe exactly at `frame`, if any. */
export const keyAt = (object: LabelObject, frame: number): Keyframe | undefined => {
  const keys = object.keyframes ?? [];
  const index = keyIndex(keys, frame);
  return index >= 0 && keys[index].frame === frame ? keys[index] : undefined;
};

/** The object with `key` put in its place, replacing one at the same frame. */
export function withKey(object: LabelObject, key: Keyframe): LabelObject {
  const rest = (object.keyframes ?? []).filter((k) => k.frame !== key.frame);
  return { ...object, keyframes: [...rest, key].sort((a, b) => a.frame - b.frame) };
}

/** The object with this shape at the frame; a track gets a keyframe there. */
export function withShape(object: LabelObject, frame: number, shape: Shape): LabelObject {
  if (!object.keyframes) return { ...object, shape };
  return withKey(object, { ...keyAt(object, frame), frame, shape, outside: false });
}

/** Sets an attribute: on a track and when `mutable`, from this frame on, else on the whole object. */
export function withAttribute(object: LabelObject, frame: number, name: string, value: AttributeValue, mutable: boolean): LabelObject {
  if (!object.keyframes || !mutable) return { ...object, attributes: withValue(object.attributes, name, value) };
  const present = at(object, frame);
  const key = keyAt(object, frame) ?? { frame, shape: present?.shape, outside: !present };
  return withKey(object, { ...key, attributes: { ...key.attributes, [name]: value } });
}

/** The object without its keyframe at `frame`; null when that was the last one. */
export function withoutKey(object: LabelObject, frame: number): LabelObject | null {
  const keyframes = (object.keyframes ?? []).filter((k) => k.frame !== frame);
  return keyframes.some((k) => k.shape) ? { ...object, keyframes } : null;
}

/** Leaves the picture at `frame`, or comes back into it there. */
export function withOutside(object: LabelObject, frame: number, outside: boolean): LabelObject {
  if (!object.keyframes) return object;
  const index = keyIndex(object.keyframes, frame);
  const shape = at(object, frame)?.shape ?? lastShape(object.keyframes, index) ?? object.keyframes.find((k) => k.shape)?.shape;
  return withKey(object, { ...keyAt(object, frame), frame, shape, outside });
}
