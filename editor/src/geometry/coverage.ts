// Which pixels of the picture no area covers: the gaps of a semantic picture, counted and found one after another.

import { partsOf } from "./areas.ts";
import type { Mask, Shape } from "./kinds.ts";
import type { Bounds, Metric } from "./plane.ts";
import { type Spans, onGrid, spansOf, spansOfParts } from "./spans.ts";

/** Pixels looked at, at most; larger pictures are looked at in every n-th row and column. */
const MOST = 16e6;

/** `bits`: 1 where something lies, column-major as masks are, one byte for `step` x `step` pixels of the picture. */
export interface Coverage {
  width: number;
  height: number;
  step: number;
  bits: Uint8Array;
}

/** Everything that the areas among the shapes cover of a picture of `size` pixels. `read`: keeps the pixels it finds for
 * the next time, or not. */
export function coverageOf(shapes: Iterable<Shape>, size: Metric, read: (mask: Mask) => Spans = spansOf): Coverage {
  const step = Math.ceil(Math.sqrt(Math.max(1, (size.x * size.y) / MOST)));
  const [width, height] = [Math.ceil(size.x / step), Math.ceil(size.y / step)];
  const coverage = { width, height, step, bits: new Uint8Array(width * height) };
  for (const shape of shapes) {
    const parts = shape.type === "mask" ? null : partsOf(shape);
    if (shape.type === "mask") cover(coverage, read(shape));
    else if (parts) cover(coverage, spansOfParts(parts, [width, height]));
  }
  return coverage;
}

/** Sets what the spans have, whatever their grid. */
function cover({ width, height, bits }: Coverage, spans: Spans): void {
  const { x, columns } = onGrid(spans, [width, height]);
  columns.forEach((column, i) => {
    for (let k = 0; k < column.length; k += 2) bits.fill(1, (x + i) * height + column[k], (x + i) * height + column[k + 1]);
  });
}

/** How many pixels of the picture nothing covers; of large pictures an estimate. */
export function uncovered({ bits, step }: Coverage): number {
  let covered = 0;
  // Four bytes at once: the product's highest byte is their sum.
  const words = new Uint32Array(bits.buffer, 0, bits.length >> 2);
  for (let i = 0; i < words.length; i++) covered += Math.imul(words[i], 0x01010101) >>> 24;
  for (let i = words.length * 4; i < bits.length; i++) covered += bits[i];
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
    const [x, y] = [Math.floor(i / height), i % height];
    [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x), Math.max(y2, y)];
    if (y > 0) visit(i - 1);
    if (y < height - 1) visit(i + 1);
    if (x > 0) visit(i - height);
    if (x < width - 1) visit(i + height);
  }
  return { x1: x1 / width, y1: y1 / height, x2: (x2 + 1) / width, y2: (y2 + 1) / height };
}
