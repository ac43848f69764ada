// A shape between two keyframes. The same rules as `geometry/tracks.py`; both are held to the same fixtures.

import type { Shape } from "./kinds.ts";
import { morph } from "./morph.ts";
import type { Flat } from "./plane.ts";
import type { Part } from "./polygon.ts";

const mix = (a: number, b: number, t: number): number => a + (b - a) * t;

const mixFlat = (a: Flat, b: Flat, t: number): Flat => a.map((v, i) => mix(v, b[i], t));

const alike = (a: Part[], b: Part[]): boolean =>
  a.length === b.length && a.every((part, i) => part.length === b[i].length && part.every((ring, j) => ring.length === b[i][j].length));

/** The shape at share `t` (0 to 1) of the way from `a` to `b`; `a` where the two do not correspond point by point. */
export function between(a: Shape, b: Shape, t: number): Shape {
  if (t <= 0 || a.type !== b.type) return a;
  if (t >= 1) return b;
  if (a.type === "mask" && b.type === "mask") return morph(a, b, t);
  if (a.type === "rectangle" && b.type === "rectangle") {
    return { type: "rectangle", box: mixFlat(a.box, b.box, t) as [number, number, number, number] };
  }
  if (a.type === "polygon" && b.type === "polygon") {
    return alike(a.parts, b.parts) ? { type: "polygon", parts: a.parts.map((part, i) => part.map((ring, j) => mixFlat(ring, b.parts[i][j], t))) } : a;
  }
  if (!("points" in a) || !("points" in b) || a.points.length !== b.points.length) return a;
  if (a.type === "landmarks" && b.type === "landmarks" && a.labels.some((label, i) => label !== b.labels[i])) return a;
  return { ...a, points: mixFlat(a.points, b.points, t) };
}
