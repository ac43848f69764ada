// Open lines.

import type { Polyline } from "../geometry/kinds.ts";
import { type Metric, boundsOf, clamp01, insertPoint, refit, removePoint, shift, withPoint } from "../geometry/plane.ts";
import { nearestEdge } from "../geometry/polygon.ts";
import { type ShapeKind, dot, ink, line, middles, pixels, vertices } from "./kind.ts";

const length = (points: number[], m: Metric): number => {
  let sum = 0;
  for (let i = 2; i < points.length; i += 2) sum += Math.hypot((points[i] - points[i - 2]) * m.x, (points[i + 1] - points[i - 1]) * m.y);
  return sum;
};

export const polyline: ShapeKind<Polyline> = {
  type: "polyline",
  label: "Line",
  bounds: ({ points }) => boundsOf(points),
  near: ({ points }, p, m) => ({ inside: false, edge: nearestEdge(p, points, false, m)?.distance ?? Infinity }),
  draw({ points }, canvas, view, style) {
    canvas.beginPath();
    line(canvas, view, points, false);
    ink(canvas, style, false);
    for (const i of [0, points.length - 2]) dot(canvas, view, { x: points[i], y: points[i + 1] }, style.width + 1, style);
  },
  handles: ({ points }) => [...middles(points, false), ...vertices(points)],
  drag: ({ points }, { role, path: [index] }, p) => {
    const to = { x: clamp01(p.x), y: clamp01(p.y) };
    return { type: "polyline", points: role === "middle" ? insertPoint(points, index + 1, to) : withPoint(points, index, to) };
  },
  move: ({ points }, dx, dy) => ({ type: "polyline", points: shift(points, dx, dy) }),
  fit: ({ points }, from, to) => ({ type: "polyline", points: refit(points, from, to) }),
  without: ({ points }, { path: [index] }) => (points.length > 4 ? { type: "polyline", points: removePoint(points, index) } : null),
  points: ({ points }) => points,
  measure: ({ points }, size) => `${pixels(length(points, size))} px long, ${points.length / 2} points`,
};
