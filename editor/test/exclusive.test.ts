// One class a pixel in semantic videos: whatever writes masks at later frames, no pixel lies in two of them there, each
// way is one step of undo, and what may not be changed keeps its pixels. Between keyframes the upper one is shown.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { uniteSelected } from "../src/actions/combine.ts";
import { place, toggleKeyframe, toggleOutside } from "../src/actions/objects.ts";
import type { Session } from "../src/actions/session.ts";
import { cutTracks, mergeTracks, propagate, propagateRange, splitTracks, swapTracks } from "../src/actions/tracks.ts";
import { toMask } from "../src/geometry/areas.ts";
import type { Mask } from "../src/geometry/kinds.ts";
import { areaOf, isSet, spansOf } from "../src/geometry/spans.ts";
import type { Keyframe, LabelObject } from "../src/model/document.ts";
import { at } from "../src/model/track.ts";
import { H, W } from "./driver.ts";
import { countBits } from "./fixtures.ts";
import { rasterOf } from "../src/geometry/raster.ts";
import { settled, visit } from "./visit.ts";

/** Columns `x1` to `x2` of the picture, in pixels. */
const bar = (x1: number, x2: number, y1 = 0, y2 = H): Mask => toMask({ type: "rectangle", box: [x1 / W, y1 / H, x2 / W, y2 / H] }, [W, H])!;

/** A track of masks by frame; null: not in the picture from there on. */
function track(id: number, keys: Record<number, Mask | null>, more: Partial<LabelObject> = {}): LabelObject {
  const keyframes = Object.entries(keys).map(([frame, shape]): Keyframe => (shape ? { frame: Number(frame), shape } : { frame: Number(frame), outside: true }));
  return { id, class: "road", keyframes, ...more };
}

async function begin(t: TestContext, objects: LabelObject[], frame = 0, selected: number[] = []): Promise<Session> {
  const { session } = await visit({ objects, frames: 60, semantic: true, help: { tools: ["track"] } });
  t.after(() => session.close());
  session.frames.go(frame);
  session.selection.set(selected);
  return session;
}

const maskOf = (s: Session, id: number, frame: number): Mask | null => (at(s.store.get(id)!, frame)?.shape as Mask | undefined) ?? null;

/** Where the columns of a mask begin and end, at half the picture's height. */
function columns(mask: Mask | null): number[] {
  if (!mask) return [];
  const set = Array.from({ length: W }, (_, x) => isSet(spansOf(mask), x, H / 2));
  return set.flatMap((on, x) => (on !== (set[x - 1] ?? false) ? [x] : [])).concat(set[W - 1] ? [W] : []);
}

/** Pixels that more than one mask has at a frame. `shown`: as they are drawn. */
function twice(s: Session, frame: number, shown = false): number {
  const masks = [...s.store.objects].map((o) => (shown ? s.bench.lookAt(o, frame) : at(o, frame)?.shape)).filter((shape) => shape?.type === "mask");
  const seen = new Uint8Array(W * H);
  let count = 0;
  for (const mask of masks) {
    const { x, y, width, bits } = rasterOf(mask);
    bits.forEach((bit, i) => {
      const pixel = (y + Math.floor(i / width)) * W + x + (i % width);
      if (bit && seen[pixel]++) count++;
    });
  }
  return count;
}

function exclusive(s: Session, frames: number[]): void {
  for (const frame of frames) assert.equal(twice(s, frame), 0, `frame ${frame}`);
}

/** One step of undo takes it all back, and redo brings it all. */
function oneStep(s: Session, before: string): void {
  const after = JSON.stringify([...s.store.objects]);
  s.undo.undo();
  assert.equal(JSON.stringify([...s.store.objects].sort((a, b) => a.id - b.id)), before);
  s.undo.redo();
  assert.equal(JSON.stringify([...s.store.objects]), after);
}

const state = (s: Session): string => JSON.stringify([...s.store.objects].sort((a, b) => a.id - b.id));

test("a mask that begins at a frame takes pixels from there on, not before", async (t) => {
  const s = await begin(t, [track(1, { 0: bar(0, 600) })], 20);
  const before = state(s);
  s.bench.create(bar(400, 800));
  assert.deepEqual([19, 20, 59].map((frame) => columns(maskOf(s, 1, frame))), [[0, 600], [0, 400], [0, 400]]);
  exclusive(s, [0, 19, 20, 59]);
  oneStep(s, before);
});

test("propagating takes the pixels at the range's ends and at keyframes inside, and gives them back after it", async (t) => {
  const s = await begin(t, [track(1, { 0: bar(0, 200), 30: bar(0, 600) }), track(2, { 10: bar(400, 800), 11: null })], 10, [2]);
  assert.deepEqual(columns(maskOf(s, 1, 45)), [0, 600]);
  const before = state(s);
  propagate(s, 40);
  assert.deepEqual([10, 25, 40].map((frame) => columns(maskOf(s, 2, frame))), [[400, 800], [400, 800], [400, 800]]);
  assert.deepEqual([30, 40, 41, 59].map((frame) => columns(maskOf(s, 1, frame))), [[0, 400], [0, 400], [0, 600], [0, 600]]);
  exclusive(s, [0, 10, 30, 40, 41, 59]);
  oneStep(s, before);
});

test("several carried over a range before and after: the frames beside it are as they were", async (t) => {
  const s = await begin(t, [track(1, { 0: bar(0, 500) }), track(2, { 0: bar(500, 700), 20: bar(300, 400), 40: bar(500, 700) })], 20, [2]);
  const before = state(s);
  s.frames.choose(10, 30);
  propagateRange(s);
  assert.deepEqual([10, 20, 30].map((frame) => columns(maskOf(s, 1, frame))), Array(3).fill([0, 300, 400, 500]));
  exclusive(s, [0, 10, 20, 30, 40]);
  for (const frame of [9, 31]) assert.equal(twice(s, frame, true), 0);
  oneStep(s, before);
});

test("masks that were followed take their pixels at every frame found", async (t) => {
  const { session: s, server } = await visit({ objects: [track(1, { 0: bar(0, 500) }), track(2, { 0: bar(600, 700) })], frames: 60, semantic: true });
  t.after(() => s.close());
  s.selection.set([2]);
  const before = state(s);
  const done = s.follow.start(10);
  await settled();
  const keyframes = Array.from({ length: 11 }, (_, frame) => ({ frame, shape: bar(600 - 30 * frame, 700 - 30 * frame) }));
  await server.one("/help/track").answer({ reached: 10, tracks: [{ id: 2, lost: null, keyframes }] });
  await done;
  assert.deepEqual([3, 4, 10].map((frame) => columns(maskOf(s, 1, frame))), [[0, 500], [0, 480], [0, 300, 400, 500]]);
  exclusive(s, Array.from({ length: 11 }, (_, frame) => frame));
  oneStep(s, before);
});

test("pasting, and being back in the picture, take pixels at this frame only", async (t) => {
  const s = await begin(t, [track(1, { 0: bar(0, 1000) }), track(2, { 0: bar(100, 200), 1: null })], 30, [2]);
  place(s, [{ id: 0, class: "road", shape: bar(300, 400) }, { id: 0, class: "road", shape: bar(350, 450) }], false);
  assert.deepEqual([29, 30].map((frame) => columns(maskOf(s, 1, frame))), [[0, 1000], [0, 300, 450, 1000]]);
  assert.deepEqual([3, 4].map((id) => columns(maskOf(s, id, 30))), [[300, 350], [350, 450]]);
  const before = state(s);
  s.selection.set([2]);
  toggleOutside(s);
  assert.deepEqual(columns(maskOf(s, 1, 30)), [0, 100, 200, 300, 450, 1000]);
  exclusive(s, [29, 30, 59]);
  oneStep(s, before);
});

test("merging, splitting, swapping and ending tracks leave no pixel in two masks", async (t) => {
  const objects = [track(1, { 0: bar(0, 300), 10: bar(0, 300), 11: null }), track(2, { 0: bar(500, 900), 30: bar(100, 500) }), track(3, { 20: bar(0, 90), 50: bar(600, 700), 51: null })];
  const written = (s: Session): number[] => [...new Set([...s.store.objects].flatMap((o) => (o.keyframes ?? []).filter((key) => !key.outside).map((key) => key.frame)))];
  const ways: Record<string, [number, number[], (s: Session) => void]> = {
    merge: [0, [1, 3], mergeTracks],
    split: [15, [2], splitTracks],
    swap: [25, [2, 3], swapTracks],
    cut: [25, [2], cutTracks],
    unite: [25, [2, 3], uniteSelected],
    keyframe: [25, [3], toggleKeyframe],
  };
  for (const [name, [frame, selected, act]] of Object.entries(ways)) {
    const s = await begin(t, objects, frame, selected);
    const before = state(s);
    act(s);
    assert.notEqual(state(s), before, name);
    const known = new Set(objects.flatMap((o) => o.keyframes!.map((key) => key.frame)));
    for (const at of written(s)) if (!known.has(at)) assert.equal(twice(s, at), 0, `${name}, frame ${at}`);
    for (let at = 0; at < 60; at += 5) assert.equal(twice(s, at, true), 0, `${name} as shown, frame ${at}`);
    oneStep(s, before);
  }
});

test("a track that loses all its pixels is not in the picture there, and is not deleted", async (t) => {
  const s = await begin(t, [track(1, { 0: bar(0, 100) }), track(2, { 20: bar(200, 300) })], 20);
  const before = state(s);
  s.bench.create(bar(0, 400));
  assert.deepEqual([0, 19, 20, 59].map((frame) => columns(maskOf(s, 1, frame))), [[0, 100], [0, 100], [], []]);
  assert.equal(s.store.get(2), undefined);
  oneStep(s, before);
});

test("locked masks keep their pixels at every frame", async (t) => {
  const s = await begin(t, [track(1, { 0: bar(0, 100), 30: bar(0, 500) }, { locked: true }), track(2, { 0: bar(400, 700), 1: null })], 0, [2]);
  const locked = JSON.stringify(s.store.get(1));
  propagate(s, 40);
  assert.equal(JSON.stringify(s.store.get(1)), locked);
  assert.deepEqual([0, 30, 40].map((frame) => columns(maskOf(s, 2, frame))), [[400, 700], [500, 700], [500, 700]]);
  exclusive(s, [0, 30, 40]);
  s.frames.go(35);
  assert.equal(s.bench.create(bar(100, 200)), null);
  assert.equal(JSON.stringify(s.store.get(1)), locked);
});

test("between keyframes the upper mask is shown, picked and fixed; what nobody has is counted", async (t) => {
  const s = await begin(t, [track(1, { 0: bar(0, 500) }), track(2, { 0: bar(800, 1000), 20: bar(300, 500) })], 10);
  s.frames.go(18);
  const [low, high] = [s.bench.shapeOf(1) as Mask, s.bench.shapeOf(2) as Mask];
  assert.ok(twice(s, 18) > 0);
  assert.equal(twice(s, 18, true), 0);
  const [left, right] = columns(high);
  assert.ok(left > 340 && left < 360 && right > 540 && right < 560);
  assert.deepEqual(columns(low), [0, left]);
  assert.equal(s.bench.pick({ x: 0.4, y: 0.5 }), 2);
  s.bench.gaps!.setSize({ x: W, y: H });
  s.bench.gaps!.look();
  assert.equal(s.bench.gaps!.count, W * H - [low, high].reduce((sum, mask) => sum + areaOf(spansOf(mask)), 0));
  s.selection.set([1]);
  toggleKeyframe(s);
  assert.deepEqual(columns(maskOf(s, 1, 18)), [0, left]);
  assert.equal(twice(s, 18), 0);
});

test("what lay under a mask is back when that goes, hides its class, or changes its height", async (t) => {
  const s = await begin(t, [track(1, { 0: bar(0, 500) }), track(2, { 0: bar(300, 700) })], 0);
  const seen = (id: number): number[] => columns(s.bench.shapeOf(id) as Mask | null);
  assert.deepEqual([seen(1), seen(2)], [[0, 300], [300, 700]]);
  s.store.change("user", (draft) => draft.put({ ...s.store.get(1)!, extra: { order: 1 } }));
  assert.deepEqual([seen(1), seen(2)], [[0, 500], [500, 700]]);
  s.store.change("user", (draft) => draft.put(track(1, { 0: bar(0, 800) }, { extra: { order: 1 } })));
  assert.deepEqual([seen(1), s.bench.shapeOf(2), [...s.bench.scene.ids], s.bench.within({ x1: 0, y1: 0, x2: 1, y2: 1 })], [[0, 800], null, [1], [1]]);
  s.store.change("user", (draft) => draft.delete(1));
  assert.deepEqual(seen(2), [300, 700]);
});

test("what undo brings back leaves others the pixels they have got since", async (t) => {
  const s = await begin(t, [track(1, { 0: bar(0, 500) }), track(2, { 0: bar(500, 900) })], 0);
  s.bench.update(new Map([[2, bar(400, 900)]]));
  s.bench.update(new Map([[2, bar(700, 900)]]));
  s.store.change("server", (draft) => draft.put(track(1, { 0: bar(0, 600) })));
  s.undo.undo();
  assert.deepEqual([1, 2].map((id) => columns(maskOf(s, id, 0))), [[0, 600], [600, 900]]);
  s.undo.undo();
  s.undo.redo();
  assert.deepEqual([1, 2].map((id) => columns(maskOf(s, id, 0))), [[0, 600], [600, 900]]);
  exclusive(s, [0, 30]);
});

test("in images masks of one step that cover each other go to the upper one", async (t) => {
  const { session: s } = await visit({ objects: [1, 2, 3].map((id) => ({ id, class: "road", shape: bar(300 * id - 300, 300 * id) })), frames: 1, semantic: true });
  t.after(() => s.close());
  s.bench.update(new Map([[1, bar(100, 400)], [3, bar(250, 500)]]));
  assert.deepEqual([1, 2, 3].map((id) => columns(s.bench.shapeOf(id) as Mask)), [[100, 250], [500, 600], [250, 500]]);
  assert.equal(areaOf(spansOf(s.store.get(1)!.shape as Mask)), countBits(rasterOf(s.store.get(1)!.shape as Mask)));
});
