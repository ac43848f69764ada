// Rings and areas: is a point in, how large, simpler with fewer points.

import { type Flat, type Metric, type Point, nearestOnSegment, pointAt } from "./plane.ts";

/** Rings of one area: first the outline, then its holes. */
export type Part = Flat[];

/** No point twice in a row; of a ring, the last is not the first again. */
export function apart(points: Flat, closed: boolean): Flat {
  const out = points.filter((_, i) => {
    const j = i - (i % 2);
    return j === 0 || points[j] !== points[j - 2] || points[j + 1] !== points[j - 1];
  });
  while (closed && out.length > 2 && out[0] === out.at(-2) && out[1] === out.at(-1)) out.splice(-2);
  return out;
}

/** Signed area in square fractions; positive when the ring runs clockwise on the screen. */
export function ringArea(ring: Flat): number {
  let sum = 0;
  for (let i = 0; i < ring.length; i += 2) {
    const j = (i + 2) % ring.length;
    sum += ring[i] * ring[j + 1] - ring[j] * ring[i + 1];
  }
  return sum / 2;
}

export function inRing(p: Point, ring: Flat): boolean {
  let odd = false;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const yi = ring[i + 1];
    const yj = ring[j + 1];
    if (yi > p.y !== yj > p.y && p.x < ((ring[j] - ring[i]) * (p.y - yi)) / (yj - yi) + ring[i]) odd = !odd;
  }
  return odd;
}

/** Inside any part's outline and in none of its holes. */
export const inParts = (p: Point, parts: Part[]): boolean =>
  parts.some(([outline, ...holes]) => inRing(p, outline) && !holes.some((hole) => inRing(p, hole)));

/** Area of outlines less their holes, in square fractions. */
export const partsArea = (parts: Part[]): number =>
  parts.reduce((sum, [outline, ...holes]) => sum + Math.abs(ringArea(outline)) - holes.reduce((s, h) => s + Math.abs(ringArea(h)), 0), 0);

/** Nearest edge of a chain of points: its first vertex, the point on it and the distance in screen pixels. */
export function nearestEdge(p: Point, points: Flat, closed: boolean, m: Metric): { index: number; point: Point; distance: number } | null {
  const count = points.length / 2;
  let best: { index: number; point: Point; distance: number } | null = null;
  for (let i = 0; i < (closed ? count : count - 1); i++) {
    const hit = nearestOnSegment(p, pointAt(points, i), pointAt(points, (i + 1) % count), m);
    if (!best || hit.distance < best.distance) best = { index: i, point: hit.point, distance: hit.distance };
  }
  return best;
}

/** Douglas-Peucker on an open chain: points that stay farther than `tolerance` screen pixels from the simpler line. */
export function simplify(points: Flat, tolerance: number, m: Metric): Flat {
  const count = points.length / 2;
  if (count < 3) return points.slice();
  const keep = new Uint8Array(count);
  keep[0] = keep[count - 1] = 1;
  const stack: [number, number][] = [[0, count - 1]];
  while (stack.length) {
    const [from, to] = stack.pop()!;
    let worst = tolerance;
    let at = -1;
    for (let i = from + 1; i < to; i++) {
      const d = nearestOnSegment(pointAt(points, i), pointAt(points, from), pointAt(points, to), m).distance;
      if (d > worst) [worst, at] = [d, i];
    }
    if (at >= 0) {
      keep[at] = 1;
      stack.push([from, at], [at, to]);
    }
  }
  return points.filter((_, i) => keep[i >> 1]);
}

/** The same for a closed ring, cut at its first vertex and the one farthest from it: both are corners. */
export function simplifyRing(ring: Flat, tolerance: number, m: Metric): Flat {
  const count = ring.length / 2;
  if (count < 5) return ring.slice();
  let half = 1;
  const away = (i: number): number => Math.hypot((ring[2 * i] - ring[0]) * m.x, (ring[2 * i + 1] - ring[1]) * m.y);
  for (let i = 2; i < count; i++) if (away(i) > away(half)) half = i;
  const first = simplify(ring.slice(0, 2 * half + 2), tolerance, m);
  const second = simplify([...ring.slice(2 * half), ring[0], ring[1]], tolerance, m);
  const joined = [...first, ...second.slice(2, -2)];
  return joined.length >= 6 ? joined : ring.slice();
}

/** Convex hull of points (monotone chain), counter-clockwise in mathematical orientation. */
export function convexHull(points: Flat): Flat {
  const sorted: Point[] = [];
  for (let i = 0; i < points.length; i += 2) sorted.push({ x: points[i], y: points[i + 1] });
  sorted.sort((a, b) => a.x - b.x || a.y - b.y);
  const cross = (o: Point, a: Point, b: Point): number => (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
  const half = (list: Point[]): Point[] => {
    const out: Point[] = [];
    for (const p of list) {
      while (out.length >= 2 && cross(out[out.length - 2], out[out.length - 1], p) <= 0) out.pop();
      out.push(p);
    }
    return out.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.toReversed())].flatMap((p) => [p.x, p.y]);
}
