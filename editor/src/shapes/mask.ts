// Masks: pixels on a grid of their own.

import type { Mask } from "../geometry/kinds.ts";
import { type Bounds, type Metric, type Point, holds, union } from "../geometry/plane.ts";
import { type Spans, areaOf, boxOfChange, isSet, scaled, shifted, spansOf } from "../geometry/spans.ts";
import type { ShapeKind } from "./kind.ts";
import { drawMask } from "./mask-tiles.ts";

/** Screen pixels to the nearest set pixel, looking no farther than `limit` of them. */
function reach(spans: Spans, p: Point, m: Metric, limit: number): number {
  const [w, h] = spans.size;
  const [cx, cy] = [p.x * w, p.y * h];
  const [dx, dy] = [Math.ceil((limit / m.x) * w), Math.ceil((limit / m.y) * h)];
  if (dx * dy > 4096) return Infinity;
  let best = Infinity;
  for (let y = Math.floor(cy) - dy; y <= cy + dy; y++) {
    for (let x = Math.floor(cx) - dx; x <= cx + dx; x++) {
      if (isSet(spans, x, y)) best = Math.min(best, Math.hypot(((x + 0.5 - cx) / w) * m.x, ((y + 0.5 - cy) / h) * m.y));
    }
  }
  return best;
}

const boxOf = ({ size: [w, h], box: [x, y, width, height] }: Mask): Bounds => ({ x1: x / w, y1: y / h, x2: (x + width) / w, y2: (y + height) / h });

function fitted(shape: Mask, from: Bounds, to: Bounds): Mask {
  const [w, h] = shape.size;
  const sx = (to.x2 - to.x1) / (from.x2 - from.x1 || 1);
  const sy = (to.y2 - to.y1) / (from.y2 - from.y1 || 1);
  const b = boxOf(shape);
  const x = Math.round((to.x1 + (b.x1 - from.x1) * sx) * w);
  const y = Math.round((to.y1 + (b.y1 - from.y1) * sy) * h);
  return x < 0 || y < 0 || x >= w || y >= h ? shape : scaled(shape, x, y, sx, sy) ?? shape;
}

export const mask: ShapeKind<Mask> = {
  type: "mask",
  label: "Mask",
  bounds: boxOf,
  change(before, after) {
    const [w, h] = after.size;
    if (before.size[0] !== w || before.size[1] !== h) return union(boxOf(before), boxOf(after));
    const box = boxOfChange(spansOf(before), spansOf(after));
    return box && { x1: box[0] / w, y1: box[1] / h, x2: box[2] / w, y2: box[3] / h };
  },
  near(shape, p, m) {
    const spans = spansOf(shape);
    const inside = holds(boxOf(shape), p) && isSet(spans, Math.floor(p.x * shape.size[0]), Math.floor(p.y * shape.size[1]));
    return { inside, edge: inside ? 20 : reach(spans, p, m, 6) };
  },
  draw(shape, canvas, view, style) {
    drawMask(shape, canvas, view, style);
  },
  handles: () => [],
  drag: (shape) => shape,
  move: (shape, dx, dy) => shifted(shape, Math.round(dx * shape.size[0]), Math.round(dy * shape.size[1])),
  fit: fitted,
  points: () => [],
  measure: (shape) => `${areaOf(spansOf(shape)).toLocaleString("en")} px`,
};
