// Pixels without a class: counted whatever grid the masks have, stepped through one gap at a time; copies keep one class a pixel.

import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "../src/actions/objects.ts";
import type { Session } from "../src/actions/session.ts";
import { share } from "../src/editor/exclusive.ts";
import { toMask, withPixels } from "../src/geometry/areas.ts";
import { coverageOf, takeGap, uncovered } from "../src/geometry/coverage.ts";
import type { Mask } from "../src/geometry/kinds.ts";
import { rasterOf } from "../src/geometry/raster.ts";
import { Driver, H, W, box } from "./driver.ts";
import { countBits } from "./fixtures.ts";
import { settled, visit } from "./visit.ts";

const size = { x: 100, y: 50 };
const area = (x1: number, y1: number, x2: number, y2: number, grid: [number, number] = [100, 50]): Mask =>
  toMask({ type: "rectangle", box: [x1 / 100, y1 / 50, x2 / 100, y2 / 50] }, grid)!;

test("gaps are what no area covers, overlaps counted once, other grids scaled", () => {
  assert.equal(uncovered(coverageOf([], size)), 5000);
  assert.equal(uncovered(coverageOf([area(0, 0, 100, 50)], size)), 0);
  assert.equal(uncovered(coverageOf([area(0, 0, 60, 50), area(50, 0, 90, 50)], size)), 500);
  assert.equal(uncovered(coverageOf([area(0, 0, 50, 50, [200, 100]), area(50, 0, 100, 50, [50, 25])], size)), 0);
  assert.equal(uncovered(coverageOf([{ type: "rectangle", box: [0, 0, 0.5, 1] }, { type: "point", points: [0.7, 0.5] }], size)), 2500);
});

test("each gap is found once, from the top", () => {
  const coverage = coverageOf([area(10, 0, 20, 50), area(30, 0, 100, 50)], size);
  assert.deepEqual(takeGap(coverage), { x1: 0, y1: 0, x2: 0.1, y2: 1 });
  assert.deepEqual(takeGap(coverage), { x1: 0.2, y1: 0, x2: 0.3, y2: 1 });
  assert.equal(takeGap(coverage), null);
});

test("a gap is what is connected by edges, whatever its outline", () => {
  // Two squares that meet in a corner, in a picture that is all covered but for them.
  const parts = [area(0, 0, 10, 50), area(30, 0, 100, 50), area(10, 0, 20, 10), area(20, 0, 30, 20), area(10, 20, 20, 50), area(20, 30, 30, 50)];
  const coverage = coverageOf(parts, size);
  assert.equal(uncovered(coverage), 200);
  assert.deepEqual(takeGap(coverage), { x1: 0.1, y1: 0.2, x2: 0.2, y2: 0.4 });
  assert.deepEqual(takeGap(coverage), { x1: 0.2, y1: 0.4, x2: 0.3, y2: 0.6 });
  assert.equal(takeGap(coverage), null);
});

test("submitting a video tells of gaps in every frame that was written, leads there, and goes on with them", async (t) => {
  const half = (x1: number, x2: number): Mask => toMask({ type: "rectangle", box: [x1, 0, x2, 1] }, [W, H])!;
  const objects = [
    { id: 1, class: "road", keyframes: [{ frame: 0, shape: half(0, 0.5) }] },
    { id: 2, class: "road", keyframes: [{ frame: 0, shape: half(0.5, 1) }, { frame: 4, outside: true }, { frame: 7, shape: half(0.5, 1) }, { frame: 9, shape: half(0.6, 1) }] },
  ];
  const { session, server } = await visit({ objects, frames: 20, semantic: true });
  t.after(() => session.close());
  session.bench.gaps!.setSize({ x: W, y: H });
  session.bench.camera.size = { x: W, y: H };
  session.frames.go(12);
  const twice = [session.submit(), session.submit()];
  await Promise.all(twice);
  assert.equal(session.dialog, "submit");
  assert.deepEqual(session.problems.map((p) => "text" in p && [p.frame, p.text]), [
    [4, "250,000 pixels without a class in frame 5"],
    [9, "50,000 pixels without a class in frame 10"],
    [12, "50,000 pixels without a class in frame 13"],
  ]);
  session.nextGap(4);
  assert.equal(session.frames.now, 4);
  assert.equal(session.bench.gaps!.count, 250_000);
  const sent = session.submit(true);
  await settled();
  await server.one("/submit").answer({ next: null });
  await sent;
  assert.equal(session.over?.text, "Submitted");
});

test("very large pictures are looked at in steps", () => {
  const large = coverageOf([{ type: "rectangle", box: [0, 0, 0.5, 1] }], { x: 20000, y: 20000 });
  assert.equal(large.step, 5);
  assert.ok(Math.abs(uncovered(large) / 200e6 - 1) < 0.001);
});

test("the workbench counts and steps, and starts over after a change", () => {
  const left = toMask({ type: "rectangle", box: [0, 0, 0.4, 1] }, [W, H])!;
  const d = new Driver({ semantic: true, objects: [box(1, 0, 0, 1, 1, { class: "road", shape: left })] });
  d.bench.gaps!.setSize({ x: W, y: H });
  d.bench.gaps!.look();
  assert.equal(d.bench.gaps!.count, 600 * H);
  d.take("rectangle").drag([600, 0], [800, 500]);
  assert.deepEqual(d.bench.gaps!.next(), { x1: 0.4, y1: 0, x2: 0.6, y2: 1 });
  assert.deepEqual(d.bench.gaps!.next(), { x1: 0.8, y1: 0, x2: 1, y2: 1 });
  assert.deepEqual(d.bench.gaps!.next(), { x1: 0.4, y1: 0, x2: 0.6, y2: 1 });
  d.bench.gaps!.stop();
});

test("masks on other grids give and take their pixels as those of the picture do", () => {
  const grid: [number, number] = [W / 4, H / 4];
  const coarse = toMask({ type: "rectangle", box: [0.2, 0.2, 0.8, 0.8] }, grid)!;
  const d = new Driver({ semantic: true, objects: [box(1, 0, 0, 1, 1, { class: "road", shape: coarse })] });
  // What is put over it is as fine as the picture, and ends within one of its pixels.
  const fine = toMask({ type: "rectangle", box: [0.503, 0, 1, 1] }, [W, H])!;
  const session = { ontology: d.bench.parts.ontology, store: d.store, bench: d.bench, selection: d.selection, mayEdit: true, work: { job: {} } };
  place(session as unknown as Session, [box(2, 0, 0, 1, 1, { class: "road", shape: fine })], false);
  const [lower, upper] = d.objects.map((o) => o.shape as Mask);
  assert.deepEqual([lower.size, lower.box], [[W, H], [200, 100, 303, 300]]);
  assert.equal(share(lower, upper), false);
  assert.equal(uncovered(coverageOf([lower, upper], { x: W, y: H })), 503 * H - 303 * 300);
  d.undo.undo();
  assert.deepEqual(d.objects.map((o) => (o.shape as Mask).size), [grid]);
  assert.equal(withPixels(coarse, fine, 1)!.counts, withPixels(fine, coarse, 1)!.counts);
  d.bench.gaps!.stop();
});

test("what is counted where something changed is what is counted anew", () => {
  let seed = 11;
  const dice = (n: number): number => ((seed = (seed * 48271) % 2147483647), seed % n);
  const d = new Driver({ semantic: true, objects: [] });
  d.bench.gaps!.setSize({ x: W, y: H });
  const counts = new Set<number>();
  for (let i = 0; i < 80; i++) {
    const [x1, y1] = [dice(900), dice(400)];
    const [x2, y2] = [x1 + 1 + dice(W - x1), y1 + 1 + dice(H - y1)];
    const id = 1 + dice(12);
    const grid: [number, number] = dice(3) ? [W, H] : [200, 130];
    const rectangle = { type: "rectangle" as const, box: [x1 / W, y1 / H, x2 / W, y2 / H] as [number, number, number, number] };
    const shape = dice(4) ? toMask(rectangle, grid)! : rectangle;
    if (d.store.get(id) && !dice(3)) d.bench.change((draft) => draft.delete(id));
    else if (!dice(5)) d.undo.undo();
    else d.bench.change((draft) => draft.put(box(id, 0, 0, 1, 1, { class: shape.type === "mask" ? "road" : "car", shape })));
    if (dice(2)) continue;
    d.bench.gaps!.look();
    counts.add(d.bench.gaps!.count);
    assert.equal(d.bench.gaps!.count, uncovered(coverageOf(d.objects.map((o) => o.shape!), { x: W, y: H })));
  }
  assert.ok(counts.size > 20);
  d.bench.gaps!.stop();
});

test("pasted masks take the pixels they need, also from each other", () => {
  const mask = toMask({ type: "rectangle", box: [0, 0, 0.4, 1] }, [W, H])!;
  const d = new Driver({ semantic: true, objects: [box(1, 0, 0, 1, 1, { class: "road", shape: mask })] });
  const copies = [1, 2].map((n) => box(n, 0, 0, 1, 1, { class: "road", shape: mask }));
  const session = { ontology: d.bench.parts.ontology, store: d.store, bench: d.bench, selection: d.selection, mayEdit: true, work: { job: {} } };
  place(session as unknown as Session, copies, false);
  const pixels = d.objects.map((o) => countBits(rasterOf(o.shape as Mask)));
  assert.deepEqual(pixels, [400 * H]);
  d.undo.undo();
  assert.deepEqual(d.objects.map((o) => o.id), [1]);
  d.bench.gaps!.stop();
});
