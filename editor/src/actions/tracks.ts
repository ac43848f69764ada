// Tracks as wholes: joined, split, their identities swapped, cut off, carried over frames.

import type { Attributes, Keyframe, LabelObject } from "../model/document.ts";
import { at, attributesAt, readingOf, stating, withKey } from "../model/track.ts";
import { type Session, count } from "./session.ts";

const tracks = (s: Session): LabelObject[] => [...s.selection.ids].map((id) => s.store.get(id)!).filter((o) => o.keyframes && s.bench.editable(o.id));

const before = (object: LabelObject, frame: number): Keyframe[] => (object.keyframes ?? []).filter((key) => key.frame < frame);
const from = (object: LabelObject, frame: number): Keyframe[] => (object.keyframes ?? []).filter((key) => key.frame >= frame);

/** Names of the values of these tracks that may differ from frame to frame. */
function changing(s: Session, all: LabelObject[]): Set<string> {
  const fixed = new Set(s.ontology.attributes.filter((a) => a.mutable === false).map((a) => a.name));
  const named = all.flatMap((o) => [o.attributes, ...o.keyframes!.map((key) => key.attributes)]).flatMap((values) => Object.keys(values ?? {}));
  return new Set(named.filter((name) => !fixed.has(name)));
}

/** The keyframes from `frame` on, with one at `frame` itself that holds what is seen there. */
function startingAt(s: Session, object: LabelObject, frame: number): Keyframe[] {
  const keys = from(object, frame);
  const shape = s.bench.lookAt(object, frame);
  if (keys[0]?.frame === frame || !shape) return keys;
  return [{ frame, shape }, ...keys];
}

/** The keyframes before `frame`, closed by one just before it that holds what is seen there. */
function endingBefore(s: Session, object: LabelObject, frame: number): Keyframe[] {
  const keys = before(object, frame);
  const shape = keys.length && keys.at(-1)!.frame !== frame - 1 ? s.bench.lookAt(object, frame - 1) : null;
  return shape ? [...keys, { frame: frame - 1, shape }] : keys;
}

/** One track of several: at each frame what the first of them has there. Gaps are filled by moving on evenly. */
export function mergeTracks(s: Session): void {
  const all = tracks(s);
  if (all.length < 2) return s.say("Select two or more tracks to merge");
  const keys = new Map<number, { key: Keyframe; read: (frame: number) => Attributes }>();
  for (const object of all.toReversed()) {
    const read = readingOf(object);
    for (const key of object.keyframes!) if (key.shape && !key.outside) keys.set(key.frame, { key, read });
  }
  const last = Math.max(...all.map(endOf));
  const sorted = [...keys.values()].map(({ key }) => key).sort((a, b) => a.frame - b.frame);
  // What a later one says nothing about goes on as it was.
  const values = { ...all[0].attributes };
  const keyframes = stating(sorted, values, changing(s, all), (frame) => Object.assign(values, keys.get(frame)!.read(frame)));
  if (Number.isFinite(last) && last > keyframes.at(-1)!.frame) keyframes.push({ frame: last, outside: true });
  s.bench.change((draft) => {
    draft.put({ ...all[0], keyframes });
    for (const object of all.slice(1)) draft.delete(object.id);
  });
  s.selection.set([all[0].id]);
  s.say(`${count(all.length, "track")} merged into ${all[0].id}`);
}

/** From which frame on the track is gone for good; infinite when it stays. */
function endOf(object: LabelObject): number {
  const last = object.keyframes!.at(-1);
  return last?.outside ? last.frame : Infinity;
}

/** Two tracks of each selected one: up to the frame before, and from this frame on. */
export function splitTracks(s: Session): void {
  const { frame } = s.bench;
  const cut = tracks(s).filter((o) => before(o, frame).length && (at(o, frame) || from(o, frame).length));
  if (!cut.length) return s.say("Go to a frame inside a selected track to split it there");
  const made: number[] = [];
  s.bench.change((draft) => {
    for (const object of cut) {
      const id = s.store.nextId();
      made.push(id);
      const keyframes = stating(startingAt(s, object, frame), object.attributes ?? {}, changing(s, [object]), readingOf(object));
      draft.put({ ...object, id, keyframes, extra: null });
      draft.put({ ...object, keyframes: [...endingBefore(s, object, frame), { frame, outside: true }] });
    }
  });
  s.selection.set(made);
}

/** Two tracks change places from this frame on: for identities that were mixed up when they crossed. */
export function swapTracks(s: Session): void {
  const { frame } = s.bench;
  const [a, b, more] = tracks(s);
  if (!b || more) return s.say("Select exactly two tracks to swap from here on");
  const swapped = (keep: LabelObject, take: LabelObject): LabelObject => {
    const later = startingAt(s, take, frame);
    const keys = later.length && later[0].frame === frame ? later : [{ frame, outside: true }, ...later];
    // Values that hold since before stay with the identity; those that are set from here on go along.
    return { ...keep, keyframes: [...endingBefore(s, keep, frame), ...keys] };
  };
  s.bench.change((draft) => {
    draft.put(swapped(a, b));
    draft.put(swapped(b, a));
  });
  s.say(`${a.id} and ${b.id} swapped from frame ${frame + 1} on`);
}

/** The selected tracks end before this frame. */
export function cutTracks(s: Session): void {
  const { frame } = s.bench;
  s.bench.change((draft) => {
    for (const object of tracks(s)) {
      if (before(object, frame).length) draft.put({ ...object, keyframes: [...endingBefore(s, object, frame), { frame, outside: true }] });
      else draft.delete(object.id);
    }
  });
}

/** Fixes what is seen here at every frame up to `last`: keyframes between are replaced, what comes after stays. */
export function propagate(s: Session, last: number): void {
  carry(s, s.bench.frame, Math.min(last, s.frames.count - 1));
}

/** Fixes what is seen here at every frame of the chosen range, before this frame and after it. */
export function propagateRange(s: Session): void {
  const { range } = s.frames;
  if (!range) return s.say("Choose a range first: Shift and drag over the frames' numbers");
  carry(s, ...range);
}

function carry(s: Session, first: number, end: number): void {
  const { frame } = s.bench;
  const all = tracks(s).filter((o) => s.bench.lookAt(o, frame));
  if (!all.length || end <= first) return;
  s.bench.change((draft) => {
    for (const object of all) draft.put(carried(s, object, first, end));
  });
  s.say(`${count(all.length, "track")} carried over frames ${first + 1} to ${end + 1}`);
}

/** The track with what it shows at this frame at every frame from `first` to `end`; outside of these it is as it was. */
function carried(s: Session, object: LabelObject, first: number, end: number): LabelObject {
  const { frame } = s.bench;
  const shape = s.bench.lookAt(object, frame);
  const rest = object.keyframes!.filter((key) => key.frame < first || key.frame > end);
  let changed = withKey({ ...object, keyframes: rest }, { frame: first, shape });
  const before = first > 0 ? s.bench.lookAt(object, first - 1) : null;
  if (before && !rest.some((key) => key.frame === first - 1)) changed = withKey(changed, { frame: first - 1, shape: before });
  changed = withKey(changed, { frame: end, shape });
  if (end + 1 < s.frames.count && !rest.some((key) => key.frame === end + 1)) {
    const after = s.bench.lookAt(object, end + 1);
    changed = withKey(changed, after ? { frame: end + 1, shape: after } : { frame: end + 1, outside: true });
  }
  const [here, read] = [attributesAt(object, frame), readingOf(object)];
  return { ...changed, keyframes: stating(changed.keyframes!, object.attributes ?? {}, changing(s, [object]), (f) => (f >= first && f <= end ? here : read(f))) };
}
