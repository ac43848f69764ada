// Masks as spans: for each column of the grid which rows are set. What a stroke costs then depends on the columns it
// touches, not on the mask: all other columns are shared with the mask as it was.

import type { Mask } from "./kinds.ts";
import type { Flat, Point } from "./plane.ts";
import type { Part } from "./polygon.ts";
import { decodeRuns, encodeRuns } from "./runs.ts";

/** Rows that are set: from (included), to (not included), and so on, ascending and apart. Never written into. */
export type Column = readonly number[];

/** Column `x + i` of a grid of `size` has the pixels `columns[i]`. */
export interface Spans {
  size: [number, number];
  x: number;
  columns: Column[];
}

export const NONE: Column = [];
const known = new WeakMap<Mask, Spans>();
const areas = new WeakMap<Spans, number>();

export const noSpans = (size: [number, number]): Spans => ({ size, x: 0, columns: [] });

/** The mask's pixels; found once a mask and shared. */
export function spansOf(mask: Mask): Spans {
  let spans = known.get(mask);
  if (!spans) known.set(mask, (spans = decodedSpans(mask)));
  return spans;
}

/** The same, found anew: for masks that are looked at once, since spans take more memory than what they are kept as. */
export function decodedSpans({ size, box: [x, top, width, height], counts }: Mask): Spans {
  const columns: number[][] = Array.from({ length: width }, () => []);
  let at = 0;
  let set = false;
  for (const run of decodeRuns(counts)) {
    for (let from = at, left = set ? run : 0; left > 0 && from < width * height; ) {
      const y = top + (from % height);
      const length = Math.min(left, top + height - y);
      const column = columns[Math.floor(from / height)];
      if (column.length && column[column.length - 1] === y) column[column.length - 1] = y + length;
      else column.push(y, y + length);
      from += length;
      left -= length;
    }
    at += run;
    set = !set;
  }
  return { size, x, columns };
}

/** Smallest mask that holds the spans; null when there is none. */
export function maskOfSpans({ size, x, columns }: Spans): Mask | null {
  let [first, last, top, bottom, area] = [-1, -1, Infinity, 0, 0];
  columns.forEach((column, i) => {
    if (!column.length) return;
    if (first < 0) first = i;
    last = i;
    if (column[0] < top) top = column[0];
    if (column[column.length - 1] > bottom) bottom = column[column.length - 1];
    for (let k = 0; k < column.length; k += 2) area += column[k + 1] - column[k];
  });
  if (first < 0) return null;
  const spans: Spans = { size, x: x + first, columns: first === 0 && last === columns.length - 1 ? columns : columns.slice(first, last + 1) };
  const height = bottom - top;
  const mask: Mask = { type: "mask", size, box: [spans.x, top, spans.columns.length, height], counts: encodeRuns(runsOf(spans.columns, top, height)) };
  known.set(mask, spans);
  areas.set(spans, area);
  return mask;
}

/** Column-major run lengths over the rows `top` to `top + height`, beginning with zeros. */
function runsOf(columns: Column[], top: number, height: number): number[] {
  const runs: number[] = [];
  let end = 0;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    const offset = i * height - top;
    for (let k = 0; k < column.length; k += 2) {
      const start = offset + column[k];
      const length = column[k + 1] - column[k];
      if (start === end && runs.length) runs[runs.length - 1] += length;
      else runs.push(start - end, length);
      end = start + length;
    }
  }
  if (end < columns.length * height) runs.push(columns.length * height - end);
  return runs;
}

/** The mask moved by whole grid pixels; what leaves the grid is cut off. */
export function shifted(mask: Mask, dx: number, dy: number): Mask {
  const { size, x, columns } = spansOf(mask);
  const [w, h] = size;
  const [left, top, width, height] = mask.box;
  const inside = left + dx >= 0 && top + dy >= 0 && left + dx + width <= w && top + dy + height <= h;
  const moved = columns.map((column) => column.map((y) => y + dy));
  const box: Mask["box"] = [left + dx, top + dy, width, height];
  if (!inside) return maskOfSpans(cropped({ size, x: x + dx, columns: moved })) ?? mask;
  const same: Mask = { ...mask, box };
  known.set(same, { size, x: x + dx, columns: moved });
  return same;
}

function cropped({ size, x, columns }: Spans): Spans {
  const [w, h] = size;
  const rows = columns.map((column) => (column[0] < 0 || column[column.length - 1] > h ? without(without(column, [-Infinity, 0]), [h, Infinity]) : column));
  return { size, x: Math.max(0, x), columns: rows.slice(Math.max(0, -x), Math.max(0, w - x)) };
}

/** The mask scaled by `sx` and `sy`, its upper left pixel at (`x`, `y`): each pixel is as the one in its place was. */
export function scaled(mask: Mask, x: number, y: number, sx: number, sy: number): Mask | null {
  const { size, columns } = spansOf(mask);
  const [, top, width, height] = mask.box;
  const wide = Math.max(1, Math.min(size[0] - x, Math.round(width * sx)));
  const high = Math.max(1, Math.min(size[1] - y, Math.round(height * sy)));
  const row = (at: number): number => Math.min(high, Math.max(0, Math.ceil((at - top) * sy - 0.5)));
  const out = Array.from({ length: wide }, (_, i): Column => {
    const rows: number[] = [];
    const column = columns[Math.min(width - 1, Math.floor((i + 0.5) / sx))];
    for (let k = 0; k < column.length; k += 2) {
      const [from, to] = [row(column[k]), column[k + 1] === top + height ? high : row(column[k + 1])];
      if (to <= from) continue;
      if (rows.length && rows[rows.length - 1] === y + from) rows[rows.length - 1] = y + to;
      else rows.push(y + from, y + to);
    }
    return rows;
  });
  return maskOfSpans({ size, x, columns: out });
}

/** Number of set pixels. */
export function areaOf(spans: Spans): number {
  let area = areas.get(spans);
  if (area === undefined) {
    area = 0;
    for (const column of spans.columns) for (let k = 0; k < column.length; k += 2) area += column[k + 1] - column[k];
    areas.set(spans, area);
  }
  return area;
}

export function isSet({ x, columns }: Spans, column: number, row: number): boolean {
  return within(columns[column - x] ?? NONE, row) >= 0;
}

/** The index in the column of the span that holds a row; -1 when none does. */
function within(column: Column, row: number): number {
  let [low, high] = [0, column.length >> 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[2 * middle + 1] <= row) low = middle + 1;
    else high = middle;
  }
  return 2 * low < column.length && column[2 * low] <= row ? 2 * low : -1;
}

/** `base` with the pixels of `other` added (1) or taken away (0). Grids must be the same. */
export function merged(base: Spans, other: Spans, value: 0 | 1): Spans {
  if (!other.columns.length) return base;
  if (!base.columns.length) return value ? other : base;
  const x = value ? Math.min(base.x, other.x) : base.x;
  const end = value ? Math.max(base.x + base.columns.length, other.x + other.columns.length) : base.x + base.columns.length;
  const columns: Column[] = [];
  for (let i = x; i < end; i++) {
    const [a, b] = [base.columns[i - base.x] ?? NONE, other.columns[i - other.x] ?? NONE];
    columns.push(!b.length ? a : value ? united(a, b) : without(a, b));
  }
  return { size: base.size, x, columns };
}

function united(a: Column, b: Column): Column {
  if (!a.length) return b;
  const out: number[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const fromA = j >= b.length || (i < a.length && a[i] <= b[j]);
    const [from, to] = fromA ? [a[i], a[i + 1]] : [b[j], b[j + 1]];
    if (fromA) i += 2;
    else j += 2;
    if (out.length && from <= out[out.length - 1]) out[out.length - 1] = Math.max(out[out.length - 1], to);
    else out.push(from, to);
  }
  return out;
}

export function without(a: Column, b: Column): Column {
  const out: number[] = [];
  let j = 0;
  for (let i = 0; i < a.length; i += 2) {
    let from = a[i];
    while (j < b.length && b[j + 1] <= from) j += 2;
    for (let k = j; k < b.length && b[k] < a[i + 1]; k += 2) {
      if (b[k] > from) out.push(from, b[k]);
      from = Math.max(from, b[k + 1]);
    }
    if (from < a[i + 1]) out.push(from, a[i + 1]);
  }
  return out;
}

/** The same area on another grid: each pixel is as the one that its middle lies in. */
export function onGrid(spans: Spans, size: [number, number]): Spans {
  if (spans.size[0] === size[0] && spans.size[1] === size[1]) return spans;
  let found = resampled.get(spans);
  if (!found || found.size[0] !== size[0] || found.size[1] !== size[1]) resampled.set(spans, (found = sampled(spans, size)));
  return found;
}

const resampled = new WeakMap<Spans, Spans>();

function sampled({ size: [w, h], x, columns }: Spans, size: [number, number]): Spans {
  const [across, down] = [size[0] / w, size[1] / h];
  const [first, end] = [Math.ceil(x * across - 0.5), Math.ceil((x + columns.length) * across - 0.5)].map((edge) => Math.min(size[0], Math.max(0, edge)));
  const row = (edge: number): number => Math.min(size[1], Math.max(0, Math.ceil(edge * down - 0.5)));
  const out = Array.from({ length: end - first }, (_, i): Column => {
    const rows: number[] = [];
    const column = columns[Math.floor((first + i + 0.5) / across) - x] ?? NONE;
    for (let k = 0; k < column.length; k += 2) {
      const [from, to] = [row(column[k]), row(column[k + 1])];
      if (to <= from) continue;
      if (rows.length && rows[rows.length - 1] === from) rows[rows.length - 1] = to;
      else rows.push(from, to);
    }
    return rows;
  });
  return { size, x: first, columns: out };
}

/** Do the two have a pixel in common? Grids must be the same. */
export function meet(a: Spans, b: Spans): boolean {
  const end = Math.min(a.x + a.columns.length, b.x + b.columns.length);
  for (let x = Math.max(a.x, b.x); x < end; x++) {
    const [left, right] = [a.columns[x - a.x], b.columns[x - b.x]];
    for (let i = 0, j = 0; i < left.length && j < right.length; ) {
      if (left[i] < right[j + 1] && right[j] < left[i + 1]) return true;
      if (left[i + 1] <= right[j + 1]) i += 2;
      else j += 2;
    }
  }
  return false;
}

/** The first row and the one after the last in which two columns may differ; null when they are the same. */
export function differing(a: Column, b: Column): [number, number] | null {
  let first = 0;
  while (first < a.length && a[first] === b[first]) first++;
  if (first === a.length && first === b.length) return null;
  let [i, j] = [a.length, b.length];
  while (i > first && j > first && a[i - 1] === b[j - 1]) [i, j] = [i - 1, j - 1];
  return [Math.min(a[first] ?? Infinity, b[first] ?? Infinity), Math.max(a[i - 1] ?? 0, b[j - 1] ?? 0)];
}

/** The box of grid pixels outside of which two masks of one grid are the same: x, y and the column and row after the last. */
export function boxOfChange(a: Spans, b: Spans): [number, number, number, number] | null {
  let box: [number, number, number, number] | null = null;
  const end = Math.max(a.x + a.columns.length, b.x + b.columns.length);
  for (let x = Math.min(a.x, b.x); x < end; x++) {
    const [before, after] = [a.columns[x - a.x] ?? NONE, b.columns[x - b.x] ?? NONE];
    // Columns that a stroke did not touch are shared.
    const rows = before === after ? null : differing(before, after);
    if (rows) box = box ? [box[0], Math.min(box[1], rows[0]), x + 1, Math.max(box[3], rows[1])] : [x, rows[0], x + 1, rows[1]];
  }
  return box;
}

/** Pixels whose middles lie within `radii[i]` of the way from point i - 1 to point i of a path of grid pixels. */
export function stroked(path: Flat, radii: readonly number[], size: [number, number]): Spans {
  const [w, h] = size;
  let [left, right] = [w, 0];
  for (let i = 0; i < path.length; i += 2) {
    // The way from a point has the reach of the next one.
    const radius = Math.max(radii[i / 2], radii[i / 2 + 1] ?? 0);
    left = Math.max(0, Math.min(left, Math.floor(path[i] - radius)));
    right = Math.min(w, Math.max(right, Math.ceil(path[i] + radius) + 1));
  }
  const columns: Column[] = Array.from({ length: Math.max(0, right - left) }, () => NONE);
  for (let i = 0; i < path.length; i += 2) {
    const radius = radii[i / 2];
    const [b, a] = [{ x: path[i], y: path[i + 1] }, { x: path[Math.max(0, i - 2)], y: path[Math.max(1, i - 1)] }];
    const [from, to] = [Math.floor(Math.min(a.x, b.x) - radius), Math.ceil(Math.max(a.x, b.x) + radius)];
    for (let x = Math.max(left, from); x <= Math.min(right - 1, to); x++) {
      const rows = across(a, b, radius, x + 0.5);
      const [top, bottom] = rows ? [Math.max(0, Math.ceil(rows[0] - 0.5)), Math.min(h, Math.floor(rows[1] - 0.5) + 1)] : [0, 0];
      if (bottom > top) columns[x - left] = united(columns[x - left], [top, bottom]);
    }
  }
  return { size, x: left, columns };
}

/** Where the line down at `x` enters and leaves a round stroke from a to b; null when it passes it by. */
function across(a: Point, b: Point, radius: number, x: number): [number, number] | null {
  let [low, high] = [Infinity, -Infinity];
  const take = (from: number, to: number): void => {
    if (from <= to) [low, high] = [Math.min(low, from), Math.max(high, to)];
  };
  for (const end of [a, b]) {
    const rest = radius * radius - (x - end.x) * (x - end.x);
    if (rest >= 0) take(end.y - Math.sqrt(rest), end.y + Math.sqrt(rest));
  }
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = Math.hypot(dx, dy);
  if (length > 0) {
    // The straight part: no farther from the line than the radius, and between the two ends.
    const px = x - a.x;
    const middle = dx === 0 ? null : a.y + (px * dy) / dx;
    const half = dx === 0 ? 0 : (radius * length) / Math.abs(dx);
    const beside = dx === 0 ? (Math.abs(px) <= radius ? [-Infinity, Infinity] : [1, 0]) : [middle! - half, middle! + half];
    const ends = dy === 0 ? (px * dx >= 0 && px * dx <= length * length ? [-Infinity, Infinity] : [1, 0])
      : [a.y - (px * dx) / dy, a.y + (length * length - px * dx) / dy].sort((p, q) => p - q);
    take(Math.max(beside[0], ends[0]), Math.min(beside[1], ends[1]));
  }
  return low <= high ? [low, high] : null;
}

/** The area given as parts (outline and holes each) on a grid of `size`, by the even-odd rule at the pixels' middles. */
export function spansOfParts(parts: Part[], size: [number, number]): Spans {
  return parts.map((part) => spansOfRings(part, size)).reduce((a, b) => merged(a, b, 1), noSpans(size));
}

function spansOfRings(rings: Flat[], size: [number, number]): Spans {
  const [w, h] = size;
  let [left, right, top, bottom] = [w, 0, h, 0];
  for (let i = 0; i < rings[0].length; i += 2) {
    [left, right] = [Math.max(0, Math.min(left, Math.floor(rings[0][i] * w))), Math.min(w, Math.max(right, Math.ceil(rings[0][i] * w)))];
    [top, bottom] = [Math.max(0, Math.min(top, Math.floor(rings[0][i + 1] * h))), Math.min(h, Math.max(bottom, Math.ceil(rings[0][i + 1] * h)))];
  }
  const builder = new Builder(size, left, Math.max(0, right - left));
  for (let row = top; row < bottom; row++) {
    const y = row + 0.5;
    const crossings: number[] = [];
    for (const ring of rings) {
      for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
        const [yi, yj] = [ring[i + 1] * h, ring[j + 1] * h];
        if (yi > y !== yj > y) crossings.push(ring[i] * w + ((y - yi) / (yj - yi)) * (ring[j] - ring[i]) * w);
      }
    }
    crossings.sort((a, b) => a - b);
    const set: number[] = [];
    for (let c = 0; c + 1 < crossings.length; c += 2) {
      const from = Math.max(left, Math.ceil(crossings[c] - 0.5));
      const to = Math.min(right, Math.ceil(crossings[c + 1] - 0.5));
      if (to <= from) continue;
      if (set.length && set[set.length - 1] === from) set[set.length - 1] = to;
      else set.push(from, to);
    }
    builder.row(row, set);
  }
  return builder.done(bottom);
}

/** Spans from rows, top to bottom: only where a row differs from the one above is there anything to do. */
export class Builder {
  private readonly columns: number[][];
  private above: number[] = [];

  constructor(
    private readonly size: [number, number],
    private readonly x: number,
    width: number,
  ) {
    this.columns = Array.from({ length: width }, () => []);
  }

  /** The next row, as columns from and to (not included), ascending and apart. */
  row(y: number, set: number[]): void {
    const { above } = this;
    this.above = set;
    let [i, j] = [0, 0];
    // Between two neighbouring borders of either row a column changes when exactly one of the rows has it.
    let from = 0;
    while (i < above.length || j < set.length) {
      const at = Math.min(above[i] ?? Infinity, set[j] ?? Infinity);
      if ((i ^ j) & 1) for (let x = from; x < at; x++) this.columns[x - this.x].push(y);
      if (above[i] === at) i++;
      if (set[j] === at) j++;
      from = at;
    }
  }

  /** All rows are in; `bottom`: the one after the last. */
  done(bottom: number): Spans {
    this.row(bottom, []);
    return { size: this.size, x: this.x, columns: this.columns };
  }
}

/** The region joined to a pixel: of set pixels (value 0, to be cleared), or of clear ones inside the mask's box (value 1,
 * to be set). `open`: it reaches the box's border. Null when the pixel is as wanted already. */
export function region(mask: Mask, column: number, row: number, value: 0 | 1): { spans: Spans; open: boolean } | null {
  const { size, x, columns } = spansOf(mask);
  const [, top, width, height] = mask.box;
  const lists = value === 0 ? columns : columns.map((set) => without([top, top + height], set));
  const start = within(lists[column - x] ?? NONE, row);
  if (start < 0) return null;
  const found: number[][] = columns.map(() => []);
  const seen = new Set<number>();
  const stack: [number, number][] = [[column - x, start]];
  let open = false;
  while (stack.length) {
    const [at, k] = stack.pop()!;
    const key = lists[at][k] * width + at;
    if (seen.has(key)) continue;
    seen.add(key);
    const [from, to] = [lists[at][k], lists[at][k + 1]];
    found[at].push(from, to);
    open ||= at === 0 || at === width - 1 || from === top || to === top + height;
    for (const beside of [at - 1, at + 1]) {
      const list = lists[beside] ?? NONE;
      for (let i = 0; i < list.length; i += 2) if (list[i] < to && list[i + 1] > from) stack.push([beside, i]);
    }
  }
  const sorted = found.map((list) => pairsSorted(list));
  return { spans: { size, x, columns: sorted }, open };
}

function pairsSorted(list: number[]): Column {
  const starts = Array.from({ length: list.length / 2 }, (_, i) => i).sort((a, b) => list[2 * a] - list[2 * b]);
  return starts.flatMap((i) => [list[2 * i], list[2 * i + 1]]);
}
