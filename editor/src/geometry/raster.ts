// Masks as pixels: a `Raster` is a cut-out of the mask's grid with one byte a pixel, for what asks each pixel. Pixels
// into outlines.

import type { Mask } from "./kinds.ts";
import type { Flat } from "./plane.ts";
import { type Part, inRing, ringArea } from "./polygon.ts";
import { decodeRuns, runsToBits } from "./runs.ts";
import { Builder, type Spans, isSet, maskOfSpans } from "./spans.ts";

/** Pixels `x..x+width, y..y+height` of a grid of `size`; `bits` row-major, 0 or 1. */
export interface Raster {
  size: [number, number];
  x: number;
  y: number;
  width: number;
  height: number;
  bits: Uint8Array;
}

const decoded = new WeakMap<Mask, Raster>();

/** The mask's pixels; computed once a mask and shared, so callers must not write into it. */
export function rasterOf(mask: Mask): Raster {
  let raster = decoded.get(mask);
  if (!raster) {
    const [x, y, width, height] = mask.box;
    raster = { size: mask.size, x, y, width, height, bits: runsToBits(decodeRuns(mask.counts), width, height) };
    decoded.set(mask, raster);
  }
  return raster;
}

/** Smallest mask that holds the raster's set pixels; null when none is set. */
export function maskOf({ size, x, y, width, height, bits }: Raster): Mask | null {
  const builder = new Builder(size, x, width);
  for (let row = 0; row < height; row++) {
    const set: number[] = [];
    const start = row * width;
    let last = 0;
    for (let i = 0; i < width; i++) {
      if (bits[start + i] === last) continue;
      last = bits[start + i];
      set.push(x + i);
    }
    if (last) set.push(x + width);
    builder.row(y + row, set);
  }
  return maskOfSpans(builder.done(y + height));
}

export function blank(size: [number, number], x = 0, y = 0, width = 0, height = 0): Raster {
  return { size, x, y, width, height, bits: new Uint8Array(width * height) };
}

/** Outlines along pixel borders as parts of fractions: walks each border with the set pixels on its right. */
export function outlines(spans: Spans): Part[] {
  const [w, h] = spans.size;
  const scaled = borderRings(spans).map((ring) => ring.map((v, i) => v / (i % 2 ? h : w)));
  const outer = scaled.filter((ring) => ringArea(ring) > 0).map((ring): Part => [ring]);
  for (const hole of scaled.filter((ring) => ringArea(ring) < 0)) {
    const eps = 0.25 / Math.max(w, h);
    const p = { x: hole[0] + eps / 10, y: hole[1] + eps / 10 };
    const homes = outer.filter(([outline]) => inRing(p, outline)).sort((a, b) => ringArea(a[0]) - ringArea(b[0]));
    (homes[0] ?? outer[0])?.push(hole);
  }
  return outer;
}

/** Each border begins at a pixel with nothing above it: the first row of a span. */
function borderRings(spans: Spans): Flat[] {
  const starts: [number, number][] = [];
  spans.columns.forEach((column, i) => {
    for (let k = 0; k < column.length; k += 2) starts.push([spans.x + i, column[k]]);
  });
  starts.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
  const seen = new Set<number>();
  const rings: Flat[] = [];
  for (const [x, y] of starts) if (!seen.has(corner(spans, x, y, 0))) rings.push(walk(x, y, spans, seen));
  return rings;
}

const corner = ({ size: [w] }: Spans, x: number, y: number, direction: number): number => 4 * (y * (w + 1) + x) + direction;

const STEP = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/** Follows one border from the top-left corner of pixel (x, y), clockwise around set pixels. */
function walk(x0: number, y0: number, spans: Spans, seen: Set<number>): Flat {
  const ring: Flat = [];
  let [x, y, direction] = [x0, y0, 0];
  do {
    seen.add(corner(spans, x, y, direction));
    const [dx, dy] = STEP[direction];
    [x, y] = [x + dx, y + dy];
    // The two pixels ahead of the new corner: to the left and to the right of the walking direction.
    const left = isSet(spans, x + (dx + dy - 1) / 2, y + (dy - dx - 1) / 2);
    const right = isSet(spans, x + (dx - dy - 1) / 2, y + (dy + dx - 1) / 2);
    const turn = left && right ? 3 : right ? 0 : 1;
    if (turn) ring.push(x, y);
    direction = (direction + turn) % 4;
  } while (x !== x0 || y !== y0 || direction !== 0);
  return ring;
}
