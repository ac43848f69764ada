// Which pixels of the picture no area covers: the gaps of a semantic picture, counted and found one after another.

import { partsOf } from "./areas.ts";
import type { Shape } from "./kinds.ts";
import type { Bounds, Metric } from "./plane.ts";
import { type Spans, spansOf, spansOfParts } from "./spans.ts";

/** Pixels looked at, at most; larger pictures are looked at in every n-th row and column. */
const MOST = 16e6;

/** `bits`: 1 where something lies, row-major, one byte for `step` x `step` pixels of the picture. */
export interface Coverage {
  width: number;
  height: number;
  step: number;
  bits: Uint8Array;
}

/** Everything that the areas among the shapes cover of a picture of `size` pixels. */
export function coverageOf(shapes: Iterable<Shape>, size: Metric): Coverage {
  const step = Math.ceil(Math.sqrt(Math.max(1, (size.x * size.y) / MOST)));
  const [width, height] = [Math.ceil(size.x / step), Math.ceil(size.y / step)];
  const coverage = { width, height, step, bits: new Uint8Array(width * height) };
  for (const shape of shapes) {
    const parts = shape.type === "mask" ? null : partsOf(shape);
    if (shape.type === "mask") cover(coverage, spansOf(shape));
    else if (parts) cover(coverage, spansOfParts(parts, [width, height]));
  }
  return coverage;
}

/** Sets what the spans have, whatever their grid: a cell is as the pixel in its middle. */
function cover({ width, height, bits }: Coverage, spans: Spans): void {
  const [across, down] = [spans.size[0] / width, spans.size[1] / height];
  const from = Math.max(0, Math.floor(spans.x / across));
  const to = Math.min(width, Math.ceil((spans.x + spans.columns.length) / across));
  for (let x = from; x < to; x++) {
    const column = spans.columns[Math.floor((x + 0.5) * across) - spans.x] ?? [];
    for (let k = 0; k < column.length; k += 2) {
      const bottom = Math.min(height, Math.ceil(column[k + 1] / down - 0.5));
      for (let y = Math.max(0, Math.ceil(column[k] / down - 0.5)); y < bottom; y++) bits[y * width + x] = 1;
    }
  }
}

/** How many pixels of the picture nothing covers; of large pictures an estimate. */
export function uncovered({ bits, step }: Coverage): number {
  let covered = 0;
  for (let i = 0; i < bits.length; i++) covered += bits[i];
  return (bits.length - covered) * step * step;
}

/** The box of the first gap, in fractions; everything connected to it counts as covered from then on. Null: no gap. */
export function takeGap({ width, height, bits }: Coverage): Bounds | null {
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
    const [x, y] = [i % width, Math.floor(i / width)];
    [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x), Math.max(y2, y)];
    if (x > 0) visit(i - 1);
    if (x < width - 1) visit(i + 1);
    if (y > 0) visit(i - width);
    if (y < height - 1) visit(i + width);
  }
  return { x1: x1 / width, y1: y1 / height, x2: (x2 + 1) / width, y2: (y2 + 1) / height };
}
