// One class a pixel: in semantic projects a mask that is drawn takes its pixels from the others, at each frame that was
// written. Between keyframes masks move on their own and may come over each other; there the upper one is shown.

import { mayOverlap, together, withPixels } from "../geometry/areas.ts";
import type { Mask } from "../geometry/kinds.ts";
import { meet } from "../geometry/spans.ts";
import type { Keyframe, LabelObject } from "../model/document.ts";
import { at, keyAt, withOutside, withShape } from "../model/track.ts";
import type { Both, Draft, Store } from "../store/store.ts";

type Change = Both<LabelObject | undefined>;

export const orderOf = (object: LabelObject): number => Number(object.extra?.order ?? 0);

/** Negative where `a` lies below `b`; exports put later objects on top in the same way. */
export const byHeight = (a: LabelObject, b: LabelObject): number => orderOf(a) - orderOf(b) || a.id - b.id;

/** Do the two masks have a pixel in common? */
export const share = (a: Mask, b: Mask): boolean => mayOverlap(a, b) && meet(...together(a, b));

/** What is left of a mask below these others; null when nothing is. */
export function below(mask: Mask, uppers: Iterable<Mask>): Mask | null {
  let left: Mask | null = mask;
  for (const upper of uppers) if (left && share(left, upper)) left = withPixels(left, upper, 0);
  return left;
}

export function maskAt(object: LabelObject | undefined, frame: number): Mask | null {
  const shape = object && at(object, frame)?.shape;
  return shape?.type === "mask" ? shape : null;
}

const isMask = (object: LabelObject): boolean => (object.shape ?? object.keyframes?.find((key) => key.shape)?.shape)?.type === "mask";

const sameMask = (a: Mask | null, b: Mask | null): boolean => a === b || (!!a && !!b && a.counts === b.counts && a.box.every((v, i) => v === b.box[i]));

/** A mask while pixels change hands: what the change made of it, and what is to be seen of it at frames that it loses
 * pixels at. */
interface Party {
  object: LabelObject;
  masks: Map<number, Mask | null>;
}

/** Completes a change: the masks that it wrote take their pixels from the others, the uppermost first, and leave those of
 * masks that may not be changed. `present`: the frame at which objects without keyframes are drawn. */
export function settle(draft: Draft, store: Store, yields: (id: number) => boolean, present: number): void {
  const changes = new Map(draft.diff.objects);
  const written = writtenIn(changes, present);
  if (!written.size) return;
  const ids = new Set([...store.objects].map((object) => object.id).concat([...changes.keys()]));
  const parties = [...ids].map((id) => draft.get(id)).filter((object) => !!object && isMask(object)).map((object): Party => ({ object: object!, masks: new Map() }));
  for (const party of parties.filter((p) => written.has(p.object.id)).sort((a, b) => byHeight(b.object, a.object))) {
    const change = changes.get(party.object.id)!;
    const others = parties.filter((p) => p !== party);
    for (const frame of withBetween(party.object, written.get(party.object.id)!, others)) {
      take(party, change, others, frame, (id) => changes.has(id) || yields(id));
    }
  }
  for (const { object, masks } of parties) {
    if (!masks.size) continue;
    const changed = withMasks(object, masks);
    if (changed) draft.put(changed);
    else draft.delete(object.id);
  }
}

/** By object, the frames at which the change gives it a mask that was not there. */
function writtenIn(changes: ReadonlyMap<number, Change>, present: number): Map<number, number[]> {
  // A keyframe that goes from one track to another at the same frame brings nothing new.
  const had = new Map<number, Mask[]>();
  for (const { before } of changes.values()) for (const [frame, mask] of masksOf(before, present)) had.set(frame, [...(had.get(frame) ?? []), mask]);
  const found = new Map<number, number[]>();
  for (const [id, { after }] of changes) {
    const fresh = masksOf(after, present).filter(([frame, mask]) => !had.get(frame)?.some((one) => sameMask(one, mask)));
    if (fresh.length) found.set(id, fresh.map(([frame]) => frame));
  }
  return found;
}

function masksOf(object: LabelObject | undefined, present: number): [number, Mask][] {
  const keys: Keyframe[] = object?.shape ? [{ frame: present, shape: object.shape }] : (object?.keyframes ?? []);
  return keys.flatMap((key): [number, Mask][] => (key.shape?.type === "mask" && !key.outside ? [[key.frame, key.shape]] : []));
}

/** The frames, and where one of them begins or ends a stretch with the same mask all along, those of others' keyframes in it. */
function withBetween(object: LabelObject, frames: number[], others: Party[]): number[] {
  const all = new Set(frames);
  const keys = object.keyframes ?? [];
  for (let i = 0; i + 1 < keys.length; i++) {
    const [first, end] = [keys[i].frame, keys[i + 1].frame];
    if (!frames.includes(first) && !frames.includes(end)) continue;
    if (!sameMask(maskAt(object, first), maskAt(object, end))) continue;
    for (const other of others) for (const { frame } of other.object.keyframes ?? []) if (frame > first && frame < end) all.add(frame);
  }
  return [...all].sort((a, b) => a - b);
}

const lookOf = ({ object, masks }: Party, frame: number): Mask | null => (masks.has(frame) ? masks.get(frame)! : maskAt(object, frame));

function take(party: Party, { before }: Change, others: Party[], frame: number, yields: (id: number) => boolean): void {
  let mask = lookOf(party, frame);
  const touched = others.filter((other) => {
    const theirs = lookOf(other, frame);
    return mask && theirs && share(mask, theirs);
  });
  if (!mask || !touched.length) return;
  const keep = touched.filter((other) => !yields(other.object.id)).map((other) => lookOf(other, frame)!);
  const own = below(mask, keep);
  // Where all of it belongs to others that may not be changed, it stays as it was.
  if (own !== mask) party.masks.set(frame, (mask = own ?? maskAt(before, frame)));
  if (!own) return;
  for (const other of touched) {
    const theirs = lookOf(other, frame);
    if (!yields(other.object.id) || !theirs || !share(own, theirs)) continue;
    hold(other, party.object, frame);
    other.masks.set(frame, withPixels(theirs, own, 0));
  }
}

/** In the frames before and after, where the one that takes does not touch it, the one that gives looks as it did. */
function hold(other: Party, taker: LabelObject, frame: number): void {
  if (!other.object.keyframes || !taker.keyframes) return;
  for (const beside of [frame - 1, frame + 1]) {
    if (beside < 0 || other.masks.has(beside) || keyAt(other.object, beside)) continue;
    const [mask, theirs] = [maskAt(other.object, beside), maskAt(taker, beside)];
    if (mask && !(theirs && share(theirs, mask))) other.masks.set(beside, mask);
  }
}

/** The object with these masks (null: none) at these frames; null when nothing is left of it. */
function withMasks(object: LabelObject, masks: ReadonlyMap<number, Mask | null>): LabelObject | null {
  let changed = object;
  for (const [frame, mask] of [...masks].sort(([a], [b]) => a - b)) {
    if (!mask && !object.keyframes) return null;
    changed = mask ? withShape(changed, frame, mask) : withOutside(changed, frame, true);
  }
  return changed.shape || changed.keyframes?.some((key) => key.shape && !key.outside) ? changed : null;
}
