// Points, boxes and distances. Coordinates are fractions of the picture; a `Metric` says how many screen pixels one
// fraction is in x and y, so that distances can be judged as the eye sees them.

export type Flat = number[];

export interface Point {
  x: number;
  y: number;
}

export interface Bounds {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
}

/** Screen pixels per fraction, in x and in y. */
export interface Metric {
  x: number;
  y: number;
}

export const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

export const clamp01 = (value: number): number => clamp(value, 0, 1);

export const inside = (p: Point): Point => ({ x: clamp01(p.x), y: clamp01(p.y) });

export const distance = (a: Point, b: Point, m: Metric): number => Math.hypot((a.x - b.x) * m.x, (a.y - b.y) * m.y);

/** Where on the segment a-b the point p is nearest: `t` from 0 to 1, and the distance in screen pixels. */
export function nearestOnSegment(p: Point, a: Point, b: Point, m: Metric): { t: number; distance: number; point: Point } {
  const dx = (b.x - a.x) * m.x;
  const dy = (b.y - a.y) * m.y;
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : clamp(((p.x - a.x) * m.x * dx + (p.y - a.y) * m.y * dy) / length, 0, 1);
  const point = { x: a.x + t * (b.x - a.x), y: a.y + t * (b.y - a.y) };
  return { t, distance: distance(p, point, m), point };
}

export function boundsOf(points: Flat): Bounds {
  const b = { x1: Infinity, y1: Infinity, x2: -Infinity, y2: -Infinity };
  for (let i = 0; i < points.length; i += 2) {
    const x = points[i];
    const y = points[i + 1];
    if (x < b.x1) b.x1 = x;
    if (x > b.x2) b.x2 = x;
    if (y < b.y1) b.y1 = y;
    if (y > b.y2) b.y2 = y;
  }
  return b;
}

export const union = (a: Bounds, b: Bounds): Bounds => ({
  x1: Math.min(a.x1, b.x1),
  y1: Math.min(a.y1, b.y1),
  x2: Math.max(a.x2, b.x2),
  y2: Math.max(a.y2, b.y2),
});

export const unionAll = (all: Bounds[]): Bounds | null => (all.length ? all.reduce(union) : null);

export const overlaps = (a: Bounds, b: Bounds): boolean => a.x1 <= b.x2 && a.x2 >= b.x1 && a.y1 <= b.y2 && a.y2 >= b.y1;

export const covers = (outer: Bounds, b: Bounds): boolean =>
  outer.x1 <= b.x1 && outer.y1 <= b.y1 && outer.x2 >= b.x2 && outer.y2 >= b.y2;

export const holds = (b: Bounds, p: Point): boolean => p.x >= b.x1 && p.x <= b.x2 && p.y >= b.y1 && p.y <= b.y2;

export const grow = (b: Bounds, dx: number, dy = dx): Bounds => ({ x1: b.x1 - dx, y1: b.y1 - dy, x2: b.x2 + dx, y2: b.y2 + dy });

/** The box between two opposite corners, in any order. */
export const boxBetween = (a: Point, b: Point): Bounds => ({
  x1: Math.min(a.x, b.x),
  y1: Math.min(a.y, b.y),
  x2: Math.max(a.x, b.x),
  y2: Math.max(a.y, b.y),
});

export const center = (b: Bounds): Point => ({ x: (b.x1 + b.x2) / 2, y: (b.y1 + b.y2) / 2 });

/** The longest part of (dx, dy) by which the box can move and stay within the picture. */
export function stayInside(b: Bounds, dx: number, dy: number): Point {
  const limit = (d: number, low: number, high: number): number =>
    clamp(d, Math.min(0, -low), Math.max(0, 1 - high));
  return { x: limit(dx, b.x1, b.x2), y: limit(dy, b.y1, b.y2) };
}

export const shift = (points: Flat, dx: number, dy: number): Flat => points.map((v, i) => v + (i % 2 ? dy : dx));

/** Points carried from one box into another: what resizing by a corner does. */
export function refit(points: Flat, from: Bounds, to: Bounds): Flat {
  const sx = from.x2 > from.x1 ? (to.x2 - to.x1) / (from.x2 - from.x1) : 0;
  const sy = from.y2 > from.y1 ? (to.y2 - to.y1) / (from.y2 - from.y1) : 0;
  return points.map((v, i) => (i % 2 ? to.y1 + (v - from.y1) * sy : to.x1 + (v - from.x1) * sx));
}

export const pointAt = (points: Flat, index: number): Point => ({ x: points[2 * index], y: points[2 * index + 1] });

export function withPoint(points: Flat, index: number, p: Point): Flat {
  const copy = points.slice();
  copy[2 * index] = p.x;
  copy[2 * index + 1] = p.y;
  return copy;
}

export const insertPoint = (points: Flat, index: number, p: Point): Flat => points.toSpliced(2 * index, 0, p.x, p.y);

export const removePoint = (points: Flat, index: number): Flat => points.toSpliced(2 * index, 2);

/** Rotates points by `angle` around `c`, as seen on the screen (the picture's two axes may differ in scale). */
export function rotate(points: Flat, c: Point, angle: number, m: Metric): Flat {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const out: Flat = [];
  for (let i = 0; i < points.length; i += 2) {
    const dx = (points[i] - c.x) * m.x;
    const dy = (points[i + 1] - c.y) * m.y;
    out.push(c.x + (dx * cos - dy * sin) / m.x, c.y + (dx * sin + dy * cos) / m.y);
  }
  return out;
}
