// Areas of one or more parts, each an outline with holes.

import type { Polygon } from "../geometry/kinds.ts";
import { type Flat, boundsOf, clamp01, insertPoint, refit, removePoint, shift, unionAll, withPoint } from "../geometry/plane.ts";
import { type Part, apart, inParts, nearestEdge, partsArea } from "../geometry/polygon.ts";
import { type Handle, type ShapeKind, ink, line, middles, vertices } from "./kind.ts";

const mapRings = (shape: Polygon, change: (ring: Flat, part: number, ring_: number) => Flat): Polygon => ({
  type: "polygon",
  parts: shape.parts.map((part, i) => part.map((ring, j) => change(ring, i, j))),
});

export const polygonOf = (ring: Flat): Polygon => ({ type: "polygon", parts: [[ring]] });

/** Removing a hole's third-last vertex removes the hole, an outline's its part. */
function withoutVertex(shape: Polygon, { path: [part, ring, index] }: Handle): Polygon | null {
  const smaller = removePoint(shape.parts[part][ring], index);
  if (smaller.length >= 6) return mapRings(shape, (r, i, j) => (i === part && j === ring ? smaller : r));
  const parts: Part[] = ring > 0 ? shape.parts.with(part, shape.parts[part].toSpliced(ring, 1)) : shape.parts.toSpliced(part, 1);
  return parts.length ? { type: "polygon", parts } : null;
}

export const polygon: ShapeKind<Polygon> = {
  type: "polygon",
  label: "Polygon",
  bounds: ({ parts }) => unionAll(parts.map((part) => boundsOf(part[0]))) ?? { x1: 0, y1: 0, x2: 0, y2: 0 },
  near(shape, p, m) {
    const edges = shape.parts.flatMap((part) => part.map((ring) => nearestEdge(p, ring, true, m)!.distance));
    return { inside: inParts(p, shape.parts), edge: Math.min(...edges) };
  },
  draw({ parts }, canvas, view, style) {
    canvas.beginPath();
    for (const part of parts) for (const ring of part) line(canvas, view, ring, true);
    ink(canvas, style, true);
  },
  handles: ({ parts }) => [
    ...parts.flatMap((part, i) => part.flatMap((ring, j) => middles(ring, true, [i, j]))),
    ...parts.flatMap((part, i) => part.flatMap((ring, j) => vertices(ring, [i, j]))),
  ],
  drag(shape, { role, path: [part, ring, index] }, p) {
    const to = { x: clamp01(p.x), y: clamp01(p.y) };
    return mapRings(shape, (r, i, j) => {
      if (i !== part || j !== ring) return r;
      return role === "middle" ? insertPoint(r, index + 1, to) : withPoint(r, index, to);
    });
  },
  move: (shape, dx, dy) => mapRings(shape, (ring) => shift(ring, dx, dy)),
  fit: (shape, from, to) => mapRings(shape, (ring) => refit(ring, from, to)),
  without: withoutVertex,
  stored(shape) {
    // Two clicks outside of the picture may mean the same corner of it.
    const tidy = mapRings(shape, (ring) => apart(ring, true));
    const parts = tidy.parts.filter(([outline]) => outline.length >= 6).map((part) => part.filter((ring) => ring.length >= 6));
    return parts.length ? { type: "polygon", parts } : null;
  },
  points: ({ parts }) => parts.flat(2),
  measure({ parts }, size) {
    const count = parts.flat(2).length / 2;
    const holes = parts.reduce((sum, part) => sum + part.length - 1, 0);
    const area = Math.round(partsArea(parts) * size.x * size.y).toLocaleString("en");
    return `${area} px², ${count} points${parts.length > 1 ? `, ${parts.length} parts` : ""}${holes ? `, ${holes} hole${holes > 1 ? "s" : ""}` : ""}`;
  },
};
