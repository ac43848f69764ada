import assert from "node:assert/strict";
import { test } from "node:test";
import { between } from "../src/geometry/interpolate.ts";
import type { Mask, Shape } from "../src/geometry/kinds.ts";
import { type Raster, maskOf, outlines, rasterOf } from "../src/geometry/raster.ts";
import { partsArea, simplifyRing } from "../src/geometry/polygon.ts";
import { areaOf, isSet, maskOfSpans, merged, noSpans, region, scaled, shifted, spansOf, spansOfParts, stroked } from "../src/geometry/spans.ts";
import { decodeRuns, encodeRuns } from "../src/geometry/runs.ts";
import type { Attributes, LabelObject } from "../src/model/document.ts";
import { at, attributesAt, visibleSpans } from "../src/model/track.ts";
import { boundsFor, kindOf } from "../src/shapes/index.ts";
import { bitsToRuns, close, countBits, fixture } from "./fixtures.ts";

for (const c of fixture<{ name: string; a: Shape; b: Shape; t: number; expect: Shape }>("interpolation")) {
  test(`interpolation: ${c.name}`, () => assert.ok(close(between(c.a, c.b, c.t), c.expect), JSON.stringify(between(c.a, c.b, c.t))));
}

interface TrackCase {
  name: string;
  object: LabelObject;
  frames: number;
  states: { frame: number; state: { shape: Shape; attributes: Attributes; keyframe: boolean } | null }[];
  visible: [number, number][];
}

for (const c of fixture<TrackCase>("tracks")) {
  test(`tracks: ${c.name}`, () => {
    for (const { frame, state } of c.states) {
      const seen = at(c.object, frame);
      if (!state) {
        assert.equal(seen, null);
        continue;
      }
      assert.ok(seen && close(seen, { shape: state.shape, keyframe: state.keyframe }), `frame ${frame}: ${JSON.stringify(seen)}`);
      assert.deepEqual(attributesAt(c.object, frame), state.attributes);
    }
    assert.deepEqual(visibleSpans(c.object, c.frames), c.visible);
  });
}

for (const c of fixture<{ name: string; shape: Shape; width: number; height: number; hits: { x: number; y: number; reach: number; hit: boolean }[] }>("hits")) {
  test(`hits: ${c.name}`, () => {
    for (const h of c.hits) {
      const near = kindOf(c.shape).near(c.shape, h, { x: c.width, y: c.height });
      assert.equal(near.inside || near.edge <= h.reach, h.hit, JSON.stringify(h));
    }
  });
}

for (const c of fixture<{ name: string; shape: Shape; bounds: number[] }>("bounds")) {
  test(`bounds: ${c.name}`, () => {
    const b = boundsFor(c.shape);
    assert.ok(close([b.x1, b.y1, b.x2, b.y2], c.bounds), JSON.stringify(b));
  });
}

for (const c of fixture<{ name: string; mask: Mask; runs: number[]; area: number; rows: string[] }>("rle")) {
  test(`run lengths: ${c.name}`, () => {
    assert.deepEqual(decodeRuns(c.mask.counts), c.runs);
    assert.equal(encodeRuns(c.runs), c.mask.counts);
    const raster = rasterOf(c.mask);
    const rows = Array.from({ length: raster.height }, (_, y) =>
      [...raster.bits.subarray(y * raster.width, (y + 1) * raster.width)].map((bit) => (bit ? "#" : ".")).join(""));
    assert.deepEqual(rows, c.rows);
    assert.equal(countBits(raster), c.area);
    assert.deepEqual(bitsToRuns(raster.bits, raster.width, raster.height), c.runs);
  });
}

test("a mask keeps its pixels through outlines and back", () => {
  let seed = 7;
  const random = (): number => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let round = 0; round < 60; round++) {
    const size: [number, number] = [12 + Math.floor(random() * 20), 12 + Math.floor(random() * 20)];
    const width = 8;
    const height = 9;
    const bits = Uint8Array.from({ length: width * height }, () => (random() < 0.6 ? 1 : 0));
    const mask = maskOf({ size, x: 2, y: 3, width, height, bits })!;
    const raster = rasterOf(mask);
    const rings = outlines(spansOf(mask));
    assert.deepEqual(maskOfSpans(spansOfParts(rings, size)), mask);
    assert.ok(Math.abs(partsArea(rings) * size[0] * size[1] - countBits(raster)) < 1e-6);
  }
});

/** Every pixel of the grid as it should be, by asking each. */
function expected(size: [number, number], set: (x: number, y: number) => boolean): Mask | null {
  const raster: Raster = { size, x: 0, y: 0, width: size[0], height: size[1], bits: new Uint8Array(size[0] * size[1]) };
  for (let y = 0; y < size[1]; y++) for (let x = 0; x < size[0]; x++) raster.bits[y * size[0] + x] = set(x, y) ? 1 : 0;
  return maskOf(raster);
}

test("spans say of each pixel what asking each pixel says", () => {
  let seed = 11;
  const random = (): number => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let round = 0; round < 150; round++) {
    const size: [number, number] = [10 + Math.floor(random() * 30), 10 + Math.floor(random() * 30)];
    const [w, h] = size;
    const path = Array.from({ length: 2 * (1 + Math.floor(random() * 4)) }, (_, i) => (random() * 1.4 - 0.2) * (i % 2 ? h : w));
    if (round % 5 === 0 && path.length > 2) path[2] = path[0]; // straight down
    const radii = Array.from({ length: path.length / 2 }, () => 0.4 + random() * 6);
    const distance = (x: number, y: number, i: number): number => {
      const [ax, ay, bx, by] = [path[i], path[i + 1], path[i + 2] ?? path[i], path[i + 3] ?? path[i + 1]];
      const length = (bx - ax) ** 2 + (by - ay) ** 2;
      const t = length ? Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) : 0;
      return Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay));
    };
    const last = Math.max(1, path.length - 2);
    const near = (x: number, y: number): boolean => Math.hypot(x + 0.5 - path[0], y + 0.5 - path[1]) <= radii[0] || Array.from({ length: Math.ceil(last / 2) }, (_, i) => 2 * i).some((i) => distance(x + 0.5, y + 0.5, i) <= radii[Math.min(i / 2 + 1, radii.length - 1)]);
    const stroke = stroked(path, radii, size);
    assert.deepEqual(maskOfSpans(stroke), expected(size, near));
    const other = maskOfSpans(spansOfParts([[[random(), random(), random(), random(), random(), random()]]], size));
    const before = other ? spansOf(other) : noSpans(size);
    for (const value of [0, 1] as const) {
      const wanted = expected(size, (x, y) => (near(x, y) ? value === 1 : isSet(before, x, y)));
      const found = maskOfSpans(merged(before, stroke, value));
      assert.deepEqual(found, wanted);
      if (found) assert.equal(areaOf(spansOf(found)), countBits(rasterOf(found)));
    }
    if (!other) continue;
    const [dx, dy] = [Math.round(random() * 20 - 10), Math.round(random() * 20 - 10)];
    assert.deepEqual(shifted(other, dx, dy), expected(size, (x, y) => isSet(before, x - dx, y - dy)) ?? other);
    assert.deepEqual(spansOf(shifted(other, dx, dy)), spansOf({ ...shifted(other, dx, dy) }), "as if read anew");
    assert.deepEqual(scaled(other, other.box[0], other.box[1], 1, 1), other);
  }
});

test("a region ends where pixels do, and knows whether it is closed in", () => {
  const size: [number, number] = [12, 12];
  const ring = expected(size, (x, y) => x > 1 && x < 9 && y > 1 && y < 9 && !(x > 3 && x < 7 && y > 3 && y < 7) && !(x === 8 && y === 8))!;
  const hole = region(ring, 5, 5, 1)!;
  assert.deepEqual([areaOf(hole.spans), hole.open], [9, false]);
  assert.equal(region(ring, 8, 8, 1)!.open, true);
  assert.equal(areaOf(region(ring, 2, 2, 0)!.spans), 7 * 7 - 9 - 1);
  assert.equal(region(ring, 2, 2, 1), null);
});

test("a stroke costs as much as it is long, on whatever picture", () => {
  const size: [number, number] = [20_000, 20_000];
  let spans = noSpans(size);
  for (let i = 0; i < 40; i++) spans = merged(spans, stroked([i * 450, 0, 20_000 - i * 450, 20_000], [20, 20], size), 1);
  const mask = maskOfSpans(spans)!;
  assert.deepEqual(mask.box.slice(2), [20_000, 20_000]);
  const more = merged(spans, stroked([10_000, 9_000, 10_060, 9_040], [20, 20], size), 1);
  const kept = more.columns.filter((column, i) => column === spans.columns[i]).length;
  assert.ok(kept >= 20_000 - 60 - 2 * 21, `${kept} columns were left as they are`);
});

test("simplifying keeps corners", () => {
  const square = [0, 0, 0.25, 0, 0.5, 0.001, 0.75, 0, 1, 0, 1, 0.5, 1, 1, 0.5, 1, 0, 1, 0, 0.5];
  const simple = simplifyRing(square, 2, { x: 100, y: 100 });
  assert.deepEqual(simple, [0, 0, 1, 0, 1, 1, 0, 1]);
});
