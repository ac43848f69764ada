// Turned boxes: four corners that stay a rectangle in the picture's pixels.

import type { OrientedRectangle } from "../geometry/kinds.ts";
import { type Flat, type Metric, type Point, boundsOf, center, clamp01, pointAt, refit, rotate, shift } from "../geometry/plane.ts";
import { inRing, nearestEdge } from "../geometry/polygon.ts";
import { type Handle, type ShapeKind, ink, line, pixels } from "./kind.ts";

const middle = (points: Flat): Point => ({ x: (points[0] + points[4]) / 2, y: (points[1] + points[5]) / 2 });

/** Direction of the first side on the screen, in radians. */
const angleOf = (points: Flat, m: Metric): number => Math.atan2((points[3] - points[1]) * m.y, (points[2] - points[0]) * m.x);

/** The middle of the first side. */
const topOf = (points: Flat): Point => ({ x: (points[0] + points[2]) / 2, y: (points[1] + points[3]) / 2 });

const directionOf = (from: Point, to: Point, m: Metric): number => Math.atan2((to.y - from.y) * m.y, (to.x - from.x) * m.x);

/** Outside of the first side, on whichever side of it the box lies. */
function turnHandle(points: Flat, m: Metric): Handle {
  const top = topOf(points);
  const angle = directionOf(middle(points), top, m);
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

/** But for what numbers are rounded to. */
const within = (points: Flat): boolean => points.every((v) => v >= -1e-9 && v <= 1 + 1e-9);

/** As far as it stays in the picture on the way from as it is (0) to what is wanted (1): cut off at the border it would be no
 * rectangle any more. One that is not wholly inside now goes all the way. */
function asFar(change: (part: number) => Flat): Flat {
  const wanted = change(1);
  if (within(wanted)) return wanted.map(clamp01);
  if (!within(change(0))) return wanted;
  let [low, high] = [0, 1];
  for (let i = 0; i < 24; i++) {
    const middle = (low + high) / 2;
    if (within(change(middle))) low = middle;
    else high = middle;
  }
  return change(low).map(clamp01);
}

/** Moved back into the picture, where it fits in. */
function pushedIn(points: Flat): Flat {
  const b = boundsOf(points);
  const back = (low: number, high: number): number => (low < 0 ? -low : high > 1 ? 1 - high : 0);
  return b.x2 - b.x1 > 1 || b.y2 - b.y1 > 1 ? points : shift(points, back(b.x1, b.x2), back(b.y1, b.y2));
}

/** The box with `start` and `end` for one side, reaching as far as `depth` (screen pixels, to the right of the side when positive). */
export function orientedFrom(start: Point, end: Point, depth: number, m: Metric): Flat {
  const [dx, dy] = [(end.x - start.x) * m.x, (end.y - start.y) * m.y];
  const length = Math.hypot(dx, dy);
  return asFar((part) => {
    const [nx, ny] = [(((-dy / length) * depth) / m.x) * part, (((dx / length) * depth) / m.y) * part];
    return [start.x, start.y, end.x, end.y, end.x + nx, end.y + ny, start.x + nx, start.y + ny];
  });
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
    if (handle.role === "corner") {
      const from = pointAt(points, handle.path[0]);
      const at = (part: number): Point => ({ x: from.x + (p.x - from.x) * part, y: from.y + (p.y - from.y) * part });
      return { type: "oriented_rectangle", points: asFar((part) => (part ? dragCorner(points, handle.path[0], at(part), m) : points)) };
    }
    const c = middle(points);
    const turn = directionOf(c, p, m) - directionOf(c, topOf(points), m);
    // The short way round.
    const short = Math.atan2(Math.sin(turn), Math.cos(turn));
    return { type: "oriented_rectangle", points: asFar((part) => pushedIn(rotate(points, c, short * part, m))) };
  },
  move: ({ points }, dx, dy) => ({ type: "oriented_rectangle", points: shift(points, dx, dy) }),
  fit(shape, from, to) {
    // Scaled evenly, or it would be no rectangle any more; as far as it stays within `to`.
    const was = center(boundsOf(shape.points));
    const [x, y, right, low] = refit([was.x, was.y, was.x + 1, was.y + 1], from, to);
    const factor = Math.min(right - x, low - y);
    return { type: "oriented_rectangle", points: shape.points.map((v, i) => (i % 2 ? y + (v - was.y) * factor : x + (v - was.x) * factor)) };
  },
  points: ({ points }) => points,
  measure({ points }, size) {
    const side = (a: number, b: number): number => Math.hypot((points[a] - points[b]) * size.x, (points[a + 1] - points[b + 1]) * size.y);
    const degrees = Math.round((angleOf(points, size) * 180) / Math.PI);
    return `${pixels(side(0, 2))} × ${pixels(side(2, 4))} px, ${degrees}°`;
  },
};
