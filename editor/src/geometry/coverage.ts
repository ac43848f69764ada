// Which pixels of the picture no area covers: the gaps of a semantic picture, counted and found one after another.

import { partsOf } from "./areas.ts";
import type { Mask, Shape } from "./kinds.ts";
import type { Bounds, Metric } from "./plane.ts";
import { type Spans, noSpans, onGrid, spansOf, spansOfParts } from "./spans.ts";

/** Pixels looked at, at most; larger pictures are looked at in every n-th row and column. */
const MOST = 16e6;

/** `bits`: 1 where something lies, column-major as masks are, one byte for `step` x `step` pixels of the picture;
 * `covered` of them are set. */
export interface Coverage {
  width: number;
  height: number;
  step: number;
  bits: Uint8Array;
  covered: number;
}

/** Everything that the areas among the shapes cover of a picture of `size` pixels. `read`: keeps the pixels it finds for
 * the next time, or not. */
export function coverageOf(shapes: Iterable<Shape>, size: Metric, read: (mask: Mask) => Spans = spansOf): Coverage {
  const step = Math.ceil(Math.sqrt(Math.max(1, (size.x * size.y) / MOST)));
  const [width, height] = [Math.ceil(size.x / step), Math.ceil(size.y / step)];
  const coverage = { width, height, step, bits: new Uint8Array(width * height), covered: 0 };
  cover(coverage, shapes, 0, width, read);
  return coverage;
}

/** Looks again at the columns from `first` up to `end`, in which shapes have changed. */
export function coverAgain(coverage: Coverage, shapes: Iterable<Shape>, first: number, end: number): void {
  const { height, bits } = coverage;
  coverage.covered -= sum(bits, first * height, end * height);
  bits.fill(0, first * height, end * height);
  cover(coverage, shapes, first, end, spansOf);
}

function cover(coverage: Coverage, shapes: Iterable<Shape>, first: number, end: number, read: (mask: Mask) => Spans): void {
  const { width, height, bits } = coverage;
  for (const shape of shapes) {
    const spans = shape.type === "mask" ? onGrid(read(shape), [width, height]) : spansOfArea(shape, [width, height]);
    const last = Math.min(end, spans.x + spans.columns.length);
    for (let x = Math.max(first, spans.x); x < last; x++) {
      const column = spans.columns[x - spans.x];
      for (let k = 0; k < column.length; k += 2) bits.fill(1, x * height + column[k], x * height + column[k + 1]);
    }
  }
  coverage.covered += sum(bits, first * height, end * height);
}

const areas = new WeakMap<Shape, Spans>();

/** Of boxes and polygons; nothing of what is no area. */
function spansOfArea(shape: Shape, size: [number, number]): Spans {
  let spans = areas.get(shape);
  if (spans?.size[0] !== size[0] || spans.size[1] !== size[1]) {
    const parts = partsOf(shape);
    areas.set(shape, (spans = parts ? spansOfParts(parts, size) : noSpans(size)));
  }
  return spans;
}

/** How many bytes of 0 and 1 are set, four at once: a product's highest byte is the sum of theirs. */
function sum(bits: Uint8Array, from: number, to: number): number {
  const [first, last] = [Math.min(to, Math.ceil(from / 4) * 4), Math.max(from, Math.floor(to / 4) * 4)];
  let total = 0;
  for (let i = from; i < first; i++) total += bits[i];
  if (last > first) for (const word of new Uint32Array(bits.buffer, first, (last - first) / 4)) total += Math.imul(word, 0x01010101) >>> 24;
  for (let i = Math.max(first, last); i < to; i++) total += bits[i];
  return total;
}

/** How many pixels of the picture nothing covers; of large pictures an estimate. */
export const uncovered = ({ bits, covered, step }: Coverage): number => (bits.length - covered) * step * step;

/** The box of the first gap, in fractions; everything connected to it counts as covered from then on. Null: no gap. */
export function takeGap({ width, height, bits }: Pick<Coverage, "width" | "height" | "bits">): Bounds | null {
  const start = bits.indexOf(0);
  if (start < 0) return null;
  const stack = [start];
  bits[start] = 1;
  let [x1, y1, x2, y2] = [width, height, 0, 0];
  const visit = (i: number): void => {
    if (!bits[i]) stack.push(i);
    bits[i] = 1;
  };
  while (stack.length) {
    const i = stack.pop()!;
    const [x, y] = [Math.floor(i / height), i % height];
    [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x), Math.max(y2, y)];
    if (y > 0) visit(i - 1);
    if (y < height - 1) visit(i + 1);
    if (x > 0) visit(i - height);
    if (x < width - 1) visit(i + height);
  }
  return { x1: x1 / width, y1: y1 / height, x2: (x2 + 1) / width, y2: (y2 + 1) / height };
}
