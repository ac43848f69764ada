// Areas put together and cut out of each other, and changed from one kind of shape into another.

import polygonClipping, { type MultiPolygon, type Pair } from "polygon-clipping";
import type { Mask, Shape } from "./kinds.ts";
import { type Flat, type Metric, boundsOf } from "./plane.ts";
import { type Part, partsArea, simplifyRing } from "./polygon.ts";
import { outlines } from "./raster.ts";
import { type Spans, maskOfSpans, merged, onGrid, spansOf, spansOfParts } from "./spans.ts";

const pairs = (ring: Flat): Pair[] => Array.from({ length: ring.length / 2 }, (_, i) => [ring[2 * i], ring[2 * i + 1]]);

const toMulti = (parts: Part[]): MultiPolygon => parts.map((part) => part.map(pairs));

/** The library closes its rings and leaves slivers; ours are open and have an area. */
const toParts = (multi: MultiPolygon): Part[] =>
  multi
    .map((part) => part.map((ring) => ring.slice(0, -1).flat()).filter((ring) => ring.length >= 6))
    .filter((part) => part.length > 0 && partsArea([part]) > 1e-10);

export const unite = (areas: Part[][]): Part[] => toParts(polygonClipping.union(toMulti(areas[0]), ...areas.slice(1).map(toMulti)));

export const subtract = (from: Part[], cut: Part[][]): Part[] => toParts(polygonClipping.difference(toMulti(from), ...cut.map(toMulti)));

/** The area that a shape covers; null for points and lines. */
export function partsOf(shape: Shape): Part[] | null {
  switch (shape.type) {
    case "polygon": return shape.parts;
    case "oriented_rectangle": return [[shape.points]];
    case "mask": return outlines(spansOf(shape));
    case "rectangle": {
      const [x1, y1, x2, y2] = shape.box;
      return [[[x1, y1, x2, y1, x2, y2, x1, y2]]];
    }
    default: return null;
  }
}

/** A mask of the same area on a grid of `size`. */
export function toMask(shape: Shape, size: [number, number]): Mask | null {
  if (shape.type === "mask") return shape;
  const parts = partsOf(shape);
  return parts && maskOfSpans(spansOfParts(parts, size));
}

/** A polygon around the same area; outlines of masks with the staircase of pixels smoothed away. */
export function toPolygon(shape: Shape, size: Metric): Shape | null {
  const parts = partsOf(shape);
  if (!parts) return null;
  if (shape.type !== "mask") return { type: "polygon", parts };
  const smooth = parts.map((part) => part.map((ring) => simplifyRing(ring, 1.25, size)).filter((ring) => ring.length >= 6));
  const kept = smooth.filter((part) => part.length > 0);
  return kept.length ? { type: "polygon", parts: kept } : null;
}

/** The box around any shape. */
export function toBox(shape: Shape): Shape | null {
  const points = shape.type === "rectangle" ? null : shape.type === "polygon" || shape.type === "mask" ? partsOf(shape)!.flat(2) : shape.points;
  if (!points) return shape;
  const b = boundsOf(points);
  return b.x2 > b.x1 && b.y2 > b.y1 ? { type: "rectangle", box: [b.x1, b.y1, b.x2, b.y2] } : null;
}

/** The pixels of both on the finer of their grids. */
export function together(a: Mask, b: Mask): [Spans, Spans] {
  const size = a.size[0] * a.size[1] < b.size[0] * b.size[1] ? b.size : a.size;
  return [onGrid(spansOf(a), size), onGrid(spansOf(b), size)];
}

/** `mask` with the pixels of `other` added (1) or taken away (0); null when none is left. */
export function withPixels(mask: Mask | null, other: Mask, value: 0 | 1): Mask | null {
  if (!mask) return value ? other : null;
  return maskOfSpans(merged(...together(mask, other), value));
}

/** Do the two masks' cut-outs touch? */
export function mayOverlap(a: Mask, b: Mask): boolean {
  const [[ax, ay, aw, ah], [aw0, ah0]] = [a.box, a.size];
  const [[bx, by, bw, bh], [bw0, bh0]] = [b.box, b.size];
  return ax * bw0 < (bx + bw) * aw0 && bx * aw0 < (ax + aw) * bw0 && ay * bh0 < (by + bh) * ah0 && by * ah0 < (ay + ah) * bh0;
}
