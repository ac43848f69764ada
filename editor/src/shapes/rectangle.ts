// Axis-parallel boxes.

import type { Rectangle } from "../geometry/kinds.ts";
import { type Bounds, type Point, clamp01, holds } from "../geometry/plane.ts";
import { type Handle, type ShapeKind, ink, pixels } from "./kind.ts";

const toBounds = ({ box: [x1, y1, x2, y2] }: Rectangle): Bounds => ({ x1, y1, x2, y2 });

export const rectangleOf = (b: Bounds): Rectangle => ({ type: "rectangle", box: [b.x1, b.y1, b.x2, b.y2] });

// Each handle by its place: -1 near, 0 middle, 1 far, in x and y.
const PLACES = [[-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0]];
const CURSORS = ["nwse", "ns", "nesw", "ew", "nwse", "ns", "nesw", "ew"];

/** Eight handles around a box; used by every kind that is resized as a box. */
export function boxHandles(b: Bounds): Handle[] {
  const at = (low: number, high: number, place: number): number => (place < 0 ? low : place > 0 ? high : (low + high) / 2);
  return PLACES.map(([px, py], i) => ({
    role: px && py ? "corner" : "edge", path: [px, py], cursor: `${CURSORS[i]}-resize`, x: at(b.x1, b.x2, px), y: at(b.y1, b.y2, py),
  }));
}

/** The box with that handle dragged to `p`; it may turn over. */
export function dragBox(b: Bounds, { path: [px, py] }: Handle, p: Point): Bounds {
  const xs = [px < 0 ? p.x : b.x1, px > 0 ? p.x : b.x2].sort((a, c) => a - c);
  const ys = [py < 0 ? p.y : b.y1, py > 0 ? p.y : b.y2].sort((a, c) => a - c);
  return { x1: xs[0], y1: ys[0], x2: xs[1], y2: ys[1] };
}

export const rectangle: ShapeKind<Rectangle> = {
  type: "rectangle",
  label: "Rectangle",
  bounds: toBounds,
  near(shape, p, m) {
    const b = toBounds(shape);
    const dx = Math.max(b.x1 - p.x, p.x - b.x2) * m.x;
    const dy = Math.max(b.y1 - p.y, p.y - b.y2) * m.y;
    const inside = holds(b, p);
    return { inside, edge: inside ? -Math.max(dx, dy) : Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) };
  },
  draw({ box: [x1, y1, x2, y2] }, canvas, view, style) {
    canvas.beginPath();
    canvas.rect(view.x(x1), view.y(y1), view.x(x2) - view.x(x1), view.y(y2) - view.y(y1));
    ink(canvas, style, true);
  },
  handles: (shape) => boxHandles(toBounds(shape)),
  drag: (shape, handle, p) => rectangleOf(dragBox(toBounds(shape), handle, { x: clamp01(p.x), y: clamp01(p.y) })),
  move: ({ box: [x1, y1, x2, y2] }, dx, dy) => ({ type: "rectangle", box: [x1 + dx, y1 + dy, x2 + dx, y2 + dy] }),
  fit: (shape, from, to) => {
    const sx = from.x2 > from.x1 ? (to.x2 - to.x1) / (from.x2 - from.x1) : 1;
    const sy = from.y2 > from.y1 ? (to.y2 - to.y1) / (from.y2 - from.y1) : 1;
    const [x1, y1, x2, y2] = shape.box;
    return rectangleOf({ x1: to.x1 + (x1 - from.x1) * sx, y1: to.y1 + (y1 - from.y1) * sy, x2: to.x1 + (x2 - from.x1) * sx, y2: to.y1 + (y2 - from.y1) * sy });
  },
  points: ({ box: [x1, y1, x2, y2] }) => [x1, y1, x2, y1, x2, y2, x1, y2],
  measure: ({ box: [x1, y1, x2, y2] }, size) => `${pixels((x2 - x1) * size.x)} × ${pixels((y2 - y1) * size.y)} px`,
};
