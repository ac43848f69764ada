// Pieces of outlines drawn anew: by hand, and any two places on any ring.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Polygon, Polyline } from "../src/geometry/kinds.ts";
import { type Flat, type Metric, pointAt } from "../src/geometry/plane.ts";
import { ringArea } from "../src/geometry/polygon.ts";
import { type Place, ringRedrawn } from "../src/geometry/reshape.ts";
import { Driver, H, W, px } from "./driver.ts";

const SQUARE: Flat = [100, 100, 300, 100, 300, 300, 100, 300];
const HOLE: Flat = [150, 150, 200, 150, 200, 200, 150, 200];
const fractions = (points: Flat): Flat => points.map((v, i) => v / (i % 2 ? H : W));
const square = (): Driver => new Driver({ objects: [{ id: 1, class: "car", shape: { type: "polygon", parts: [[fractions(SQUARE), fractions(HOLE)]] } }] }).take("reshape");
const line = (): Driver => new Driver({ objects: [{ id: 1, class: "car", shape: { type: "polyline", points: fractions([100, 100, 200, 100, 300, 100]) } }] }).take("reshape");
const ringOf = (d: Driver, n = 0): Flat => px((d.only.shape as Polygon).parts[0][n]);
const pointsOf = (d: Driver): Flat => px((d.only.shape as Polyline).points);

test("a piece of a polygon: a bay, a bump, on the selected or on what is under the pointer", () => {
  const d = square().click(300, 150).click(350, 150).click(350, 250).click(300, 250);
  assert.deepEqual(ringOf(d), [300, 150, 350, 150, 350, 250, 300, 250, 300, 300, 100, 300, 100, 100, 300, 100]);
  assert.deepEqual(ringOf(d, 1), HOLE);
  assert.deepEqual([...d.selection.ids], [1]);
  d.undo.undo();
  assert.deepEqual(ringOf(d), SQUARE);
  // The other way round: the ring keeps its direction.
  const back = square().click(300, 250).click(270, 200).click(300, 150);
  assert.deepEqual(ringOf(back), [300, 150, 270, 200, 300, 250, 300, 300, 100, 300, 100, 100, 300, 100]);
});

test("a straight cut between two places; Shift keeps the smaller piece", () => {
  assert.deepEqual(ringOf(square().click(250, 100).click(300, 150)), [250, 100, 300, 150, 300, 300, 100, 300, 100, 100]);
  assert.deepEqual(ringOf(square().click(250, 100).click(300, 150, { shift: true })), [300, 150, 250, 100, 300, 100]);
});

test("across the ring's first point, and from vertex to vertex", () => {
  assert.deepEqual(ringOf(square().click(100, 150).click(80, 80).click(150, 100)), [100, 150, 80, 80, 150, 100, 300, 100, 300, 300, 100, 300]);
  assert.deepEqual(ringOf(square().click(100, 100).click(200, 60).click(300, 100)), [100, 100, 200, 60, 300, 100, 300, 300, 100, 300]);
});

test("a hole's outline; freehand, let go on the outline", () => {
  assert.deepEqual(ringOf(square().click(160, 150).click(175, 120).click(190, 150), 1), [160, 150, 175, 120, 190, 150, 200, 150, 200, 200, 150, 200, 150, 150]);
  const d = square().down(300, 150).move(330, 150).move(360, 200).move(330, 250).move(302, 250).up(302, 250);
  assert.equal(d.bench.tool.state, "idle");
  assert.deepEqual(ringOf(d).slice(0, 8), [300, 150, 330, 150, 360, 200, 330, 250]);
});

test("a polygon's piece must end on its outline; nothing to begin on is said", () => {
  const d = square().click(300, 150).click(350, 150).enter();
  assert.equal(d.bench.tool.state, "points");
  assert.match(d.said, /End it on the outline/);
  assert.deepEqual(ringOf(d.escape()), SQUARE);
  assert.match(square().click(600, 400).said, /Begin on the outline/);
});

test("a line: a piece of it, drawn on from either end, its shorter end given another way", () => {
  assert.deepEqual(pointsOf(line().click(150, 100).click(200, 60).click(250, 100)), [100, 100, 150, 100, 200, 60, 250, 100, 300, 100]);
  assert.deepEqual(pointsOf(line().click(250, 100).click(200, 60).click(150, 100)), [100, 100, 150, 100, 200, 60, 250, 100, 300, 100]);
  assert.deepEqual(pointsOf(line().click(300, 100).click(400, 150).click(400, 200).enter()), [100, 100, 200, 100, 300, 100, 400, 150, 400, 200]);
  assert.deepEqual(pointsOf(line().click(100, 100).click(50, 50).enter()), [50, 50, 100, 100, 200, 100, 300, 100]);
  assert.deepEqual(pointsOf(line().click(250, 100).click(260, 200).enter()), [100, 100, 200, 100, 250, 100, 260, 200]);
});

test("of a track, the shape of this frame", () => {
  const shape: Polygon = { type: "polygon", parts: [[fractions(SQUARE)]] };
  const d = new Driver({ video: true, objects: [{ id: 1, class: "car", keyframes: [{ frame: 0, shape }, { frame: 4, shape }] }] });
  d.bench.setFrame(2);
  d.take("reshape").click(300, 150).click(350, 200).click(300, 250);
  assert.deepEqual(d.only.keyframes!.map((key) => [key.frame, (key.shape as Polygon).parts[0][0].length]), [[0, 8], [2, 14], [4, 8]]);
});

test("locked objects, and those of others' classes, stay as they are", () => {
  const d = square();
  d.store.change("user", (draft) => draft.put({ ...d.only, locked: true }));
  assert.match(d.click(300, 150).said, /Begin on the outline/);
});

test("any two places on any ring: both choices make up the whole, and the direction stays", () => {
  const m: Metric = { x: 1000, y: 1000 };
  let seed = 7;
  const dice = (): number => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let round = 0; round < 500; round++) {
    const count = 3 + Math.floor(dice() * 9);
    const ring = Array.from({ length: count }, (_, i) => [0.5 + (0.2 + 0.2 * dice()) * Math.cos((2 * Math.PI * i) / count), 0.5 + (0.2 + 0.2 * dice()) * Math.sin((2 * Math.PI * i) / count)]).flat();
    const place = (): Place => {
      const index = Math.floor(dice() * count);
      const [a, b, t] = [pointAt(ring, index), pointAt(ring, (index + 1) % count), dice()];
      return { index, point: { x: a.x + t * (b.x - a.x), y: a.y + t * (b.y - a.y) } };
    };
    const [from, to] = [place(), place()];
    const [short, long] = [ringRedrawn(ring, from, [], to, m), ringRedrawn(ring, from, [], to, m, true)];
    // A straight cut parts the area in two; each part keeps the ring's direction.
    assert.ok(Math.abs(ringArea(short) + ringArea(long) - ringArea(ring)) < 1e-9, `round ${round}`);
    assert.equal(short.length + long.length, ring.length + 8);
  }
});
