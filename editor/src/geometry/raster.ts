// Masks as pixels: a `Raster` is a cut-out of the mask's grid with one byte a pixel. Brush strokes, fills, polygons
// into pixels and pixels into outlines.

import type { Mask } from "./kinds.ts";
import type { Flat, Point } from "./plane.ts";
import { type Part, inRing, ringArea } from "./polygon.ts";
import { bitsToRuns, decodeRuns, encodeRuns, runsToBits } from "./runs.ts";

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
export function maskOf(raster: Raster): Mask | null {
  const { width, height, bits } = raster;
  let [x1, y1, x2, y2] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++) {
      if (!bits[row + x]) continue;
      if (x < x1) x1 = x;
      if (x > x2) x2 = x;
      if (y < y1) y1 = y;
      if (y > y2) y2 = y;
    }
  }
  if (x2 < 0) return null;
  const cut = crop(raster, x1, y1, x2 - x1 + 1, y2 - y1 + 1);
  const counts = encodeRuns(bitsToRuns(cut.bits, cut.width, cut.height));
  const mask: Mask = { type: "mask", size: raster.size, box: [cut.x, cut.y, cut.width, cut.height], counts };
  decoded.set(mask, cut);
  return mask;
}

/** A cut-out of the raster, in the raster's own pixels. */
function crop(raster: Raster, x: number, y: number, width: number, height: number): Raster {
  const bits = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = (y + row) * raster.width + x;
    bits.set(raster.bits.subarray(from, from + width), row * width);
  }
  return { size: raster.size, x: raster.x + x, y: raster.y + y, width, height, bits };
}

/** A writable copy over (at least) the given grid pixels; pixels outside the grid are left out. */
export function copyOver(raster: Raster, x1: number, y1: number, x2: number, y2: number): Raster {
  const [w, h] = raster.size;
  const empty = raster.width === 0;
  const left = Math.max(0, Math.min(empty ? x1 : raster.x, x1));
  const top = Math.max(0, Math.min(empty ? y1 : raster.y, y1));
  const right = Math.min(w, Math.max(empty ? x2 : raster.x + raster.width, x2));
  const bottom = Math.min(h, Math.max(empty ? y2 : raster.y + raster.height, y2));
  const out = blank(raster.size, left, top, Math.max(0, right - left), Math.max(0, bottom - top));
  for (let row = 0; row < raster.height; row++) {
    const target = (raster.y + row - out.y) * out.width + raster.x - out.x;
    out.bits.set(raster.bits.subarray(row * raster.width, (row + 1) * raster.width), target);
  }
  return out;
}

export function blank(size: [number, number], x = 0, y = 0, width = 0, height = 0): Raster {
  return { size, x, y, width, height, bits: new Uint8Array(width * height) };
}

export const pixelAt = (raster: Raster, x: number, y: number): number => {
  const column = x - raster.x;
  const row = y - raster.y;
  return column < 0 || row < 0 || column >= raster.width || row >= raster.height ? 0 : raster.bits[row * raster.width + column];
};

/** Sets or clears a round stroke from a to b; points and radius in grid pixels. The raster must already hold it. */
export function stroke(raster: Raster, a: Point, b: Point, radius: number, value: 0 | 1): void {
  const reach = radius * radius;
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length = dx * dx + dy * dy;
  const y1 = Math.max(raster.y, Math.floor(Math.min(a.y, b.y) - radius));
  const y2 = Math.min(raster.y + raster.height - 1, Math.ceil(Math.max(a.y, b.y) + radius));
  const x1 = Math.max(raster.x, Math.floor(Math.min(a.x, b.x) - radius));
  const x2 = Math.min(raster.x + raster.width - 1, Math.ceil(Math.max(a.x, b.x) + radius));
  for (let y = y1; y <= y2; y++) {
    const row = (y - raster.y) * raster.width - raster.x;
    for (let x = x1; x <= x2; x++) {
      const px = x + 0.5 - a.x;
      const py = y + 0.5 - a.y;
      const t = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
      const ex = px - t * dx;
      const ey = py - t * dy;
      if (ex * ex + ey * ey <= reach) raster.bits[row + x] = value;
    }
  }
}

/** Fills rings by the even-odd rule at pixel centres; ring points are fractions of the picture. */
export function fillRings(raster: Raster, rings: Flat[], value: 0 | 1): void {
  const [w, h] = raster.size;
  for (let row = 0; row < raster.height; row++) {
    const y = raster.y + row + 0.5;
    const crossings: number[] = [];
    for (const ring of rings) {
      for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
        const yi = ring[i + 1] * h;
        const yj = ring[j + 1] * h;
        if (yi > y !== yj > y) crossings.push(ring[i] * w + ((y - yi) / (yj - yi)) * (ring[j] - ring[i]) * w);
      }
    }
    crossings.sort((a, b) => a - b);
    for (let c = 0; c + 1 < crossings.length; c += 2) {
      const from = Math.max(0, Math.ceil(crossings[c] - 0.5) - raster.x);
      const to = Math.min(raster.width, Math.ceil(crossings[c + 1] - 0.5) - raster.x);
      if (to > from) raster.bits.fill(value, row * raster.width + from, row * raster.width + to);
    }
  }
}

/** The raster of an area given as parts (outline and holes each), on a grid of `size`. */
export function rasterOfParts(parts: Part[], size: [number, number]): Raster {
  const [w, h] = size;
  let [x1, y1, x2, y2] = [w, h, 0, 0];
  for (const [outline] of parts) {
    for (let i = 0; i < outline.length; i += 2) {
      x1 = Math.min(x1, Math.floor(outline[i] * w));
      x2 = Math.max(x2, Math.ceil(outline[i] * w));
      y1 = Math.min(y1, Math.floor(outline[i + 1] * h));
      y2 = Math.max(y2, Math.ceil(outline[i + 1] * h));
    }
  }
  [x1, y1, x2, y2] = [Math.max(0, x1), Math.max(0, y1), Math.min(w, x2), Math.min(h, y2)];
  const raster = blank(size, x1, y1, Math.max(0, x2 - x1), Math.max(0, y2 - y1));
  for (const part of parts) {
    const one = parts.length === 1 ? raster : blank(size, raster.x, raster.y, raster.width, raster.height);
    fillRings(one, part, 1);
    if (one !== raster) one.bits.forEach((bit, i) => bit && (raster.bits[i] = 1));
  }
  return raster;
}

/** Fills the clear pixels joined to (x, y), up to set ones and the raster's border; grid pixels. */
export function flood(raster: Raster, x: number, y: number, value: 0 | 1): void {
  const { width, height, bits } = raster;
  const start = (y - raster.y) * width + x - raster.x;
  if (x < raster.x || y < raster.y || x >= raster.x + width || y >= raster.y + height || bits[start] === value) return;
  const stack = [start];
  bits[start] = value;
  const visit = (i: number): void => {
    if (bits[i] !== value) {
      bits[i] = value;
      stack.push(i);
    }
  };
  while (stack.length) {
    const at = stack.pop()!;
    const column = at % width;
    if (column > 0) visit(at - 1);
    if (column < width - 1) visit(at + 1);
    if (at >= width) visit(at - width);
    if (at < width * (height - 1)) visit(at + width);
  }
}

/** Set pixels of `raster`, or clears those that `other` has set. */
export function combine(raster: Raster, other: Raster, value: 0 | 1): void {
  for (let row = 0; row < other.height; row++) {
    const y = other.y + row - raster.y;
    if (y < 0 || y >= raster.height) continue;
    for (let column = 0; column < other.width; column++) {
      const x = other.x + column - raster.x;
      if (x >= 0 && x < raster.width && other.bits[row * other.width + column]) raster.bits[y * raster.width + x] = value;
    }
  }
}

export function countBits({ bits }: Raster): number {
  let sum = 0;
  for (let i = 0; i < bits.length; i++) sum += bits[i];
  return sum;
}

/** Outlines along pixel borders as parts of fractions: walks each border with the set pixels on its right. */
export function outlines(raster: Raster): Part[] {
  const rings = borderRings(raster);
  const [w, h] = raster.size;
  const scaled = rings.map((ring) => ring.map((v, i) => (i % 2 ? (v + raster.y) / h : (v + raster.x) / w)));
  const outer = scaled.filter((ring) => ringArea(ring) > 0).map((ring): Part => [ring]);
  for (const hole of scaled.filter((ring) => ringArea(ring) < 0)) {
    const eps = 0.25 / Math.max(w, h);
    const p = { x: hole[0] + eps / 10, y: hole[1] + eps / 10 };
    const homes = outer.filter(([outline]) => inRing(p, outline)).sort((a, b) => ringArea(a[0]) - ringArea(b[0]));
    (homes[0] ?? outer[0])?.push(hole);
  }
  return outer;
}

function borderRings(raster: Raster): Flat[] {
  const { width, height, bits } = raster;
  const at = (x: number, y: number): number => (x < 0 || y < 0 || x >= width || y >= height ? 0 : bits[y * width + x]);
  const seen = new Set<number>();
  const rings: Flat[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (!bits[i] || (y > 0 && bits[i - width])) continue;
      if (!seen.has(4 * (y * (width + 1) + x))) rings.push(walk(x, y, at, width, seen));
    }
  }
  return rings;
}

const STEP = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/** Follows one border from the top-left corner of pixel (x, y), clockwise around set pixels. */
function walk(x0: number, y0: number, at: (x: number, y: number) => number, width: number, seen: Set<number>): Flat {
  const ring: Flat = [];
  let [x, y, direction] = [x0, y0, 0];
  do {
    seen.add(4 * (y * (width + 1) + x) + direction);
    const [dx, dy] = STEP[direction];
    [x, y] = [x + dx, y + dy];
    // The two pixels ahead of the new corner: to the left and to the right of the walking direction.
    const left = at(x + (dx + dy - 1) / 2, y + (dy - dx - 1) / 2);
    const right = at(x + (dx - dy - 1) / 2, y + (dy + dx - 1) / 2);
    const turn = left && right ? 3 : right ? 0 : 1;
    if (turn) ring.push(x, y);
    direction = (direction + turn) % 4;
  } while (x !== x0 || y !== y0 || direction !== 0);
  return ring;
}
