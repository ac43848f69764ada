// Masks between two keyframes: the twin of `geometry/morph.py`, where the rule is told; both are held to the same
// fixtures. What can be kept of a pair of masks is kept, so that a frame costs one mix of two fields.

import type { Mask } from "./kinds.ts";
import { type Raster, maskOf, rasterOf } from "./raster.ts";

const CELLS = 65_536;

interface Pair {
  b: Mask;
  origin: [number, number];
  shift: [number, number];
  stride: number;
  columns: number;
  rows: number;
  from: Float64Array;
  to: Float64Array;
}

const pairs = new WeakMap<Mask, Pair | { b: Mask; from: null }>();

/** The mask at share `t` (0 to 1) of the way from `a` to `b`; masks on different grids, and empty ones, hold. */
export function morph(a: Mask, b: Mask, t: number): Mask {
  if (t <= 0 || a.size[0] !== b.size[0] || a.size[1] !== b.size[1]) return a;
  if (t >= 1) return b;
  if (a.counts === b.counts && a.box.every((v, i) => v === b.box[i])) return a;
  let pair = pairs.get(a);
  if (pair?.b !== b) pairs.set(a, (pair = prepared(a, b) ?? { b, from: null }));
  return pair.from ? mixed(a, pair as Pair, t) : a;
}

function mixed(a: Mask, pair: Pair, t: number): Mask {
  const { columns, rows, stride, from, to } = pair;
  const field = new Float64Array(from.length);
  for (let i = 0; i < field.length; i++) field[i] = from[i] + (to[i] - from[i]) * t;
  const [x, y] = [0, 1].map((k) => pair.origin[k] + Math.floor(pair.shift[k] * t + 0.5));
  const [w, h] = a.size;
  const [left, top] = [Math.max(0, -x), Math.max(0, -y)];
  const width = Math.max(0, Math.min(columns * stride, w - x) - left);
  const height = Math.max(0, Math.min(rows * stride, h - y) - top);
  const raster: Raster = { size: a.size, x: x + left, y: y + top, width, height, bits: new Uint8Array(width * height) };
  if (stride === 1) for (let row = 0; row < height; row++) for (let c = 0; c < width; c++) raster.bits[row * width + c] = field[(row + top) * columns + c + left] > 0 ? 1 : 0;
  else spread(raster, field, pair, left, top);
  return maskOf(raster) ?? a;
}

/** Sets the pixels at which the field, straight between the middles of cells, is above 0. */
function spread(raster: Raster, field: Float64Array, { columns, rows, stride }: Pair, left: number, top: number): void {
  const across = weights(columns, stride);
  const down = weights(rows, stride);
  for (let row = 0; row < raster.height; row++) {
    const y = row + top;
    const [upper, lower, fy] = [down.low[y] * columns, down.high[y] * columns, down.share[y]];
    for (let column = 0; column < raster.width; column++) {
      const x = column + left;
      const [x0, x1, fx] = [across.low[x], across.high[x], across.share[x]];
      const above = field[upper + x0] + (field[upper + x1] - field[upper + x0]) * fx;
      const below = field[lower + x0] + (field[lower + x1] - field[lower + x0]) * fx;
      if (above + (below - above) * fy > 0) raster.bits[row * raster.width + column] = 1;
    }
  }
}

/** For each pixel the two cells it lies between, and its share of the way. */
function weights(cells: number, stride: number): { low: Int32Array; high: Int32Array; share: Float64Array } {
  const low = new Int32Array(cells * stride);
  const high = new Int32Array(cells * stride);
  const share = new Float64Array(cells * stride);
  for (let i = 0; i < low.length; i++) {
    const place = (i - Math.floor(stride / 2)) / stride;
    const first = Math.floor(place);
    share[i] = place - first;
    low[i] = Math.min(cells - 1, Math.max(0, first));
    high[i] = Math.min(cells - 1, Math.max(0, first + 1));
  }
  return { low, high, share };
}

function prepared(a: Mask, b: Mask): Pair | null {
  const [ra, rb] = [rasterOf(a), rasterOf(b)];
  const [ca, cb] = [centre(ra), centre(rb)];
  if (!ca || !cb) return null;
  const [dx, dy] = [cb[0] - ca[0], cb[1] - ca[1]];
  const [left, top] = [Math.min(ra.x, rb.x - dx), Math.min(ra.y, rb.y - dy)];
  const width = Math.max(ra.x + ra.width, rb.x - dx + rb.width) - left;
  const height = Math.max(ra.y + ra.height, rb.y - dy + rb.height) - top;
  let stride = 1;
  while (Math.ceil(width / stride) * Math.ceil(height / stride) > CELLS) stride++;
  const origin: [number, number] = [left - stride, top - stride];
  const [columns, rows] = [Math.ceil(width / stride) + 2, Math.ceil(height / stride) + 2];
  const from = cellsOf(ra, ra.x - origin[0], ra.y - origin[1], columns, rows, stride);
  const to = cellsOf(rb, rb.x - dx - origin[0], rb.y - dy - origin[1], columns, rows, stride);
  if (!from.includes(1) || !to.includes(1)) return null;
  return { b, origin, shift: [dx, dy], stride, columns, rows, from: signed(from, columns, rows), to: signed(to, columns, rows) };
}

/** The pixel at the centre of gravity; null when none is set. */
function centre(raster: Raster): [number, number] | null {
  let [count, x, y] = [0, 0, 0];
  for (let i = 0; i < raster.bits.length; i++) {
    if (!raster.bits[i]) continue;
    count++;
    x += i % raster.width;
    y += Math.floor(i / raster.width);
  }
  return count ? [raster.x + Math.floor(x / count + 0.5), raster.y + Math.floor(y / count + 0.5)] : null;
}

/** Each cell as the pixel in its middle is; x, y: where the raster lies in the window. */
function cellsOf(raster: Raster, x: number, y: number, columns: number, rows: number, stride: number): Uint8Array {
  const cells = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    const py = row * stride + Math.floor(stride / 2) - y;
    if (py < 0 || py >= raster.height) continue;
    for (let column = 0; column < columns; column++) {
      const px = column * stride + Math.floor(stride / 2) - x;
      if (px >= 0 && px < raster.width) cells[row * columns + column] = raster.bits[py * raster.width + px];
    }
  }
  return cells;
}

/** Distance of each cell to the outline: above 0 inside. */
function signed(cells: Uint8Array, columns: number, rows: number): Float64Array {
  const outside = squared(cells, 1, columns, rows);
  const inside = squared(cells, 0, columns, rows);
  return Float64Array.from(cells, (bit, i) => (bit ? Math.sqrt(inside[i]) - 0.5 : -(Math.sqrt(outside[i]) - 0.5)));
}

/** Squared distance of each cell to the nearest one of `value`, exact: down the columns, then (Meijster) along the rows. */
function squared(cells: Uint8Array, value: 0 | 1, columns: number, rows: number): Float64Array {
  const straight = new Float64Array(cells.length);
  for (let i = 0; i < cells.length; i++) {
    const above = i < columns ? columns + rows : straight[i - columns] + 1;
    straight[i] = cells[i] === value ? 0 : Math.min(columns + rows, above);
  }
  for (let i = cells.length - columns - 1; i >= 0; i--) straight[i] = Math.min(straight[i], straight[i + columns] + 1);
  const found = new Float64Array(cells.length);
  const starts = new Int32Array(columns);
  const changes = new Int32Array(columns);
  for (let at = 0; at < cells.length; at += columns) {
    const reach = (x: number, i: number): number => (x - i) * (x - i) + straight[at + i] * straight[at + i];
    let top = 0;
    starts[0] = changes[0] = 0;
    for (let u = 1; u < columns; u++) {
      while (top >= 0 && reach(changes[top], starts[top]) > reach(changes[top], u)) top--;
      if (top < 0) [top, starts[0], changes[0]] = [0, u, 0];
      else {
        const i = starts[top];
        const [gu, gi] = [straight[at + u], straight[at + i]];
        const change = 1 + Math.floor((u * u - i * i + gu * gu - gi * gi) / (2 * (u - i)));
        if (change < columns) {
          top++;
          [starts[top], changes[top]] = [u, change];
        }
      }
    }
    for (let x = columns - 1; x >= 0; x--) {
      found[at + x] = reach(x, starts[top]);
      if (x === changes[top]) top--;
    }
  }
  return found;
}
