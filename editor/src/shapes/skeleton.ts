// Skeletons: points in the order of the class's template, each absent, hidden or visible.

import type { Skeleton } from "../geometry/kinds.ts";
import { type Bounds, boundsOf, clamp01, nearestOnSegment, pointAt, refit, shift, withPoint, distance } from "../geometry/plane.ts";
import type { SkeletonTemplate } from "../model/work.ts";
import { type ShapeKind, dot, ink, line, note, vertices } from "./kind.ts";

/** Points that are there (hidden or visible). */
const present = ({ points, visibility }: Skeleton): number[] => points.filter((_, i) => visibility[i >> 1] > 0);

/** A template stretched into a box, all points visible. */
export function skeletonIn(template: SkeletonTemplate, b: Bounds): Skeleton {
  const points = template.points.flatMap((p) => [b.x1 + p.x * (b.x2 - b.x1), b.y1 + p.y * (b.y2 - b.y1)]);
  return { type: "skeleton", points, visibility: template.points.map(() => 2) };
}

/** Visible, hidden, absent and round again. */
const nextVisibility = (value: number): number => (value + 2) % 3;

export const skeleton: ShapeKind<Skeleton> = {
  type: "skeleton",
  label: "Skeleton",
  bounds(shape) {
    const there = present(shape);
    return there.length ? boundsOf(there) : { x1: 0, y1: 0, x2: 0, y2: 0 };
  },
  near(shape, p, m) {
    const { points, visibility } = shape;
    let edge = Infinity;
    for (let i = 0; i < visibility.length; i++) {
      if (!visibility[i]) continue;
      edge = Math.min(edge, distance(p, pointAt(points, i), m));
      // Without the template at hand, neighbours in its order stand for the bones.
      if (i + 1 < visibility.length && visibility[i + 1]) edge = Math.min(edge, nearestOnSegment(p, pointAt(points, i), pointAt(points, i + 1), m).distance);
    }
    const b = skeleton.bounds(shape);
    const inside = p.x >= b.x1 && p.x <= b.x2 && p.y >= b.y1 && p.y <= b.y2;
    return { inside, edge };
  },
  draw({ points, visibility }, canvas, view, style) {
    for (const [a, b] of style.template?.edges ?? []) {
      if (!visibility[a] || !visibility[b]) continue;
      canvas.beginPath();
      line(canvas, view, [...points.slice(2 * a, 2 * a + 2), ...points.slice(2 * b, 2 * b + 2)], false);
      ink(canvas, { ...style, dash: visibility[a] === 1 || visibility[b] === 1 ? [4, 3] : style.dash }, false);
    }
    visibility.forEach((seen, i) => {
      const p = pointAt(points, i);
      if (!seen) return;
      dot(canvas, view, p, style.active ? 4.5 : 3.5, style, seen === 1);
      const name = style.template?.points[i]?.name;
      if (style.active && name) note(canvas, name, view.x(p.x) + 7, view.y(p.y) - 5);
    });
  },
  // Absent ones, too: where they were, they are brought back.
  handles: ({ points, visibility }) => vertices(points, [], visibility.map((seen) => (seen ? "" : "absent"))).map((h) => ({ ...h, faint: !visibility[h.path[0]] })),
  drag: (shape, { path: [index] }, p) => ({ ...shape, points: withPoint(shape.points, index, { x: clamp01(p.x), y: clamp01(p.y) }), visibility: shape.visibility[index] ? shape.visibility : shape.visibility.with(index, 2) }),
  move: (shape, dx, dy) => ({ ...shape, points: shift(shape.points, dx, dy) }),
  fit: (shape, from, to) => ({ ...shape, points: refit(shape.points, from, to) }),
  // A vertex of a skeleton is never removed, only marked hidden or absent.
  without: (shape, { path: [index] }) => ({ ...shape, visibility: shape.visibility.with(index, nextVisibility(shape.visibility[index])) }),
  points: present,
  measure: ({ visibility }) => `${visibility.filter((v) => v === 2).length} visible, ${visibility.filter((v) => v === 1).length} hidden of ${visibility.length}`,
};
