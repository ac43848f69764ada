// 2D cuboids: a front and a back face of four named corners each.

import type { Cuboid } from "../geometry/kinds.ts";
import { type Bounds, type Flat, type Point, boundsOf, clamp01, refit, shift, withPoint } from "../geometry/plane.ts";
import { convexHull, inRing, nearestEdge } from "../geometry/polygon.ts";
import { type ShapeKind, ink, line, pixels, vertices } from "./kind.ts";

const NAMES = ["front bottom left", "front bottom right", "front top right", "front top left", "back bottom left", "back bottom right", "back top right", "back top left"];

const front = (points: Flat): Flat => points.slice(0, 8);
const back = (points: Flat): Flat => points.slice(8, 16);

/** A front box and where its back face stands, as a cuboid. */
export function cuboidOf(b: Bounds, offset: Point, shrink = 0.8): Cuboid {
  const face = [b.x1, b.y2, b.x2, b.y2, b.x2, b.y1, b.x1, b.y1];
  const c = { x: (b.x1 + b.x2) / 2, y: (b.y1 + b.y2) / 2 };
  const behind = face.map((v, i) => clamp01(i % 2 ? c.y + offset.y + (v - c.y) * shrink : c.x + offset.x + (v - c.x) * shrink));
  return { type: "cuboid", points: [...face, ...behind] };
}

export const cuboid: ShapeKind<Cuboid> = {
  type: "cuboid",
  label: "Cuboid",
  bounds: ({ points }) => boundsOf(points),
  near({ points }, p, m) {
    const edges = [front(points), back(points)].map((face) => nearestEdge(p, face, true, m)!.distance);
    return { inside: inRing(p, convexHull(points)), edge: Math.min(...edges) };
  },
  draw({ points }, canvas, view, style) {
    canvas.beginPath();
    line(canvas, view, back(points), true);
    for (let i = 0; i < 4; i++) line(canvas, view, [...points.slice(2 * i, 2 * i + 2), ...points.slice(8 + 2 * i, 10 + 2 * i)], false);
    ink(canvas, { ...style, width: Math.max(1, style.width * 0.75) }, false);
    canvas.beginPath();
    line(canvas, view, front(points), true);
    ink(canvas, { ...style, width: style.width + 0.5 }, true);
  },
  handles: ({ points }) => vertices(points, [], NAMES),
  drag: (shape, { path: [index] }, p) => ({ ...shape, points: withPoint(shape.points, index, { x: clamp01(p.x), y: clamp01(p.y) }) }),
  move: (shape, dx, dy) => ({ ...shape, points: shift(shape.points, dx, dy) }),
  fit: (shape, from, to) => ({ ...shape, points: refit(shape.points, from, to) }),
  points: ({ points }) => points,
  measure({ points }, size) {
    const b = boundsOf(front(points));
    return `front ${pixels((b.x2 - b.x1) * size.x)} × ${pixels((b.y2 - b.y1) * size.y)} px`;
  },
};
