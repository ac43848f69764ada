import assert from "node:assert/strict";
import { test } from "node:test";
import { between } from "../src/geometry/interpolate.ts";
import type { Mask, Shape } from "../src/geometry/kinds.ts";
import { countBits, maskOf, outlines, rasterOf, rasterOfParts } from "../src/geometry/raster.ts";
import { partsArea, simplifyRing } from "../src/geometry/polygon.ts";
import { bitsToRuns, decodeRuns, encodeRuns } from "../src/geometry/runs.ts";
import type { Attributes, LabelObject } from "../src/model/document.ts";
import { at, attributesAt, visibleSpans } from "../src/model/track.ts";
import { boundsFor, kindOf } from "../src/shapes/index.ts";
import { close, fixture } from "./fixtures.ts";

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
    const back = maskOf(rasterOfParts(outlines(raster), size))!;
    assert.deepEqual(back, mask);
    assert.ok(Math.abs(partsArea(outlines(raster)) * size[0] * size[1] - countBits(raster)) < 1e-6);
  }
});

test("simplifying keeps corners", () => {
  const square = [0, 0, 0.25, 0, 0.5, 0.001, 0.75, 0, 1, 0, 1, 0.5, 1, 1, 0.5, 1, 0, 1, 0, 0.5];
  const simple = simplifyRing(square, 2, { x: 100, y: 100 });
  assert.deepEqual(simple, [0, 0, 1, 0, 1, 1, 0, 1]);
});
