// A shape between two keyframes. The same rules as `geometry/interpolate.py`; both are held to the same fixtures.

import type { Shape } from "./kinds.ts";
import type { Flat } from "./plane.ts";

const mix = (a: number, b: number, t: number): number => a + (b - a) * t;

const mixFlat = (a: Flat, b: Flat, t: number): Flat => a.map((v, i) => mix(v, b[i], t));

/** The shape at share `t` (0 to 1) of the way from `a` to `b`. Kinds without a sensible middle hold `a`. */
export function between(a: Shape, b: Shape, t: number): Shape {
  if (t <= 0 || a.type !== b.type) return a;
  if (a.type === "rectangle" && b.type === "rectangle") {
    return { type: "rectangle", box: mixFlat(a.box, b.box, t) as [number, number, number, number] };
  }
  if (a.type === "polygon" && b.type === "polygon") {
    const alike = a.parts.length === b.parts.length && a.parts.every((part, i) => part.length === b.parts[i].length && part.every((ring, j) => ring.length === b.parts[i][j].length));
    return alike ? { type: "polygon", parts: a.parts.map((part, i) => part.map((ring, j) => mixFlat(ring, b.parts[i][j], t))) } : a;
  }
  if ("points" in a && "points" in b && a.points.length === b.points.length) return { ...a, points: mixFlat(a.points, b.points, t) };
  return a;
}
