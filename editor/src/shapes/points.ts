// Single points, and numbered landmarks.

import type { Landmarks, PointShape } from "../geometry/kinds.ts";
import { type Flat, type Metric, type Point, boundsOf, clamp01, distance, pointAt, refit, removePoint, shift, withPoint } from "../geometry/plane.ts";
import { type ShapeKind, dot, note, pixels, vertices } from "./kind.ts";

const RADIUS = 5;

const nearest = (points: Flat, p: Point, m: Metric): number => {
  let best = Infinity;
  for (let i = 0; i < points.length / 2; i++) best = Math.min(best, distance(p, pointAt(points, i), m));
  return best;
};

export const point: ShapeKind<PointShape> = {
  type: "point",
  label: "Point",
  bounds: ({ points }) => boundsOf(points),
  near: ({ points }, p, m) => ({ inside: false, edge: distance(p, pointAt(points, 0), m) }),
  draw: ({ points }, canvas, view, style) => dot(canvas, view, pointAt(points, 0), RADIUS, style),
  handles: ({ points }) => vertices(points),
  drag: (_shape, _handle, p) => ({ type: "point", points: [clamp01(p.x), clamp01(p.y)] }),
  move: ({ points }, dx, dy) => ({ type: "point", points: shift(points, dx, dy) }),
  fit: ({ points }, from, to) => ({ type: "point", points: refit(points, from, to) }),
  points: ({ points }) => points,
  measure: ({ points: [x, y] }, size) => `at ${pixels(x * size.x)}, ${pixels(y * size.y)} px`,
};

export const landmarks: ShapeKind<Landmarks> = {
  type: "landmarks",
  label: "Landmarks",
  bounds: ({ points }) => boundsOf(points),
  near: ({ points }, p, m) => ({ inside: false, edge: nearest(points, p, m) }),
  draw({ points, labels }, canvas, view, style) {
    labels.forEach((label, i) => {
      const p = pointAt(points, i);
      dot(canvas, view, p, style.active ? 4 : 3, style);
      if (style.active) note(canvas, String(label), view.x(p.x) + 6, view.y(p.y) - 5);
    });
  },
  handles: ({ points, labels }) => vertices(points, [], labels.map(String)),
  drag: (shape, { path: [index] }, p) => ({ ...shape, points: withPoint(shape.points, index, { x: clamp01(p.x), y: clamp01(p.y) }) }),
  move: (shape, dx, dy) => ({ ...shape, points: shift(shape.points, dx, dy) }),
  fit: (shape, from, to) => ({ ...shape, points: refit(shape.points, from, to) }),
  without: (shape, { path: [index] }) =>
    shape.labels.length > 1 ? { type: "landmarks", points: removePoint(shape.points, index), labels: shape.labels.toSpliced(index, 1) } : null,
  points: ({ points }) => points,
  measure: ({ labels }) => `${labels.length} landmark${labels.length === 1 ? "" : "s"}`,
};
