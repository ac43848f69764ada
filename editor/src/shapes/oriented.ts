// Turned boxes: four corners that stay a rectangle in the picture's pixels.

import type { OrientedRectangle } from "../geometry/kinds.ts";
import { type Flat, type Metric, type Point, boundsOf, center, pointAt, refit, rotate, shift } from "../geometry/plane.ts";
import { inRing, nearestEdge } from "../geometry/polygon.ts";
import { type Handle, type ShapeKind, ink, line, pixels } from "./kind.ts";

const middle = (points: Flat): Point => ({ x: (points[0] + points[4]) / 2, y: (points[1] + points[5]) / 2 });

/** Direction of the first side on the screen, in radians. */
const angleOf = (points: Flat, m: Metric): number => Math.atan2((points[3] - points[1]) * m.y, (points[2] - points[0]) * m.x);

function turnHandle(points: Flat, m: Metric): Handle {
  const top = { x: (points[0] + points[2]) / 2, y: (points[1] + points[3]) / 2 };
  const angle = angleOf(points, m) - Math.PI / 2;
  return { role: "rotate", path: [], cursor: "grab", x: top.x + (24 * Math.cos(angle)) / m.x, y: top.y + (24 * Math.sin(angle)) / m.y };
}

/** Corner `index` dragged to `p`: the opposite corner stays, the angle stays. */
function dragCorner(points: Flat, index: number, p: Point, m: Metric): Flat {
  const angle = angleOf(points, m);
  const fixed = pointAt(points, (index + 2) % 4);
  const upright = rotate([...points.slice(0, 8), p.x, p.y], fixed, -angle, m);
  const [px, py] = [upright[8], upright[9]];
  const box = upright.slice(0, 8);
  box[2 * index] = px;
  box[2 * index + 1] = py;
  const [before, after] = [(index + 3) % 4, (index + 1) % 4];
  const [flat, steep] = index % 2 === 0 ? [after, before] : [before, after];
  // From an even corner the next one shares its height, from an odd one the one before.
  box[2 * flat + 1] = py;
  box[2 * flat] = fixed.x;
  box[2 * steep] = px;
  box[2 * steep + 1] = fixed.y;
  return rotate(box, fixed, angle, m);
}

export const oriented: ShapeKind<OrientedRectangle> = {
  type: "oriented_rectangle",
  label: "Oriented rectangle",
  bounds: ({ points }) => boundsOf(points),
  near: ({ points }, p, m) => ({ inside: inRing(p, points), edge: nearestEdge(p, points, true, m)!.distance }),
  draw({ points }, canvas, view, style) {
    canvas.beginPath();
    line(canvas, view, points, true);
    ink(canvas, style, true);
    // The first side is the front: it says which way round the box is.
    canvas.beginPath();
    line(canvas, view, points.slice(0, 4), false);
    ink(canvas, { ...style, width: style.width + 2 }, false);
  },
  handles: ({ points }, m) => [
    ...Array.from({ length: 4 }, (_, i): Handle => ({ role: "corner", path: [i], cursor: "nwse-resize", ...pointAt(points, i) })),
    turnHandle(points, m),
  ],
  drag({ points }, handle, p, m) {
    if (handle.role === "corner") return { type: "oriented_rectangle", points: dragCorner(points, handle.path[0], p, m) };
    const c = middle(points);
    const turn = Math.atan2((p.y - c.y) * m.y, (p.x - c.x) * m.x) + Math.PI / 2 - angleOf(points, m);
    return { type: "oriented_rectangle", points: rotate(points, c, turn, m) };
  },
  move: ({ points }, dx, dy) => ({ type: "oriented_rectangle", points: shift(points, dx, dy) }),
  fit(shape, from, to) {
    // Only moved and scaled evenly enough to stay a rectangle: the box's own middle is carried over.
    const was = center(boundsOf(shape.points));
    const [x, y] = refit([was.x, was.y], from, to);
    return { type: "oriented_rectangle", points: shift(shape.points, x - was.x, y - was.y) };
  },
  points: ({ points }) => points,
  measure({ points }, size) {
    const side = (a: number, b: number): number => Math.hypot((points[a] - points[b]) * size.x, (points[a + 1] - points[b + 1]) * size.y);
    const degrees = Math.round((angleOf(points, size) * 180) / Math.PI);
    return `${pixels(side(0, 2))} × ${pixels(side(2, 4))} px, ${degrees}°`;
  },
};
