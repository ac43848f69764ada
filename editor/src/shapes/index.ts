// All kinds of shapes, by type: a new kind is one file and one line here.

import type { Shape, ShapeType } from "../geometry/kinds.ts";
import type { Bounds } from "../geometry/plane.ts";
import { cuboid } from "./cuboid.ts";
import type { ShapeKind } from "./kind.ts";
import { mask } from "./mask.ts";
import { oriented } from "./oriented.ts";
import { landmarks, point } from "./points.ts";
import { polygon } from "./polygon.ts";
import { polyline } from "./polyline.ts";
import { rectangle } from "./rectangle.ts";
import { skeleton } from "./skeleton.ts";

const KINDS = { rectangle, oriented_rectangle: oriented, polygon, polyline, point, landmarks, skeleton, cuboid, mask } as const;

/** What the editor knows of the shape's kind. */
export const kindOf = (shape: Shape): ShapeKind => KINDS[shape.type] as unknown as ShapeKind;

export const kindLabel = (type: ShapeType): string => KINDS[type].label;

const known = new WeakMap<Shape, Bounds>();

/** The shape's box; computed once a shape, since shapes are never changed in place. */
export function boundsFor(shape: Shape): Bounds {
  let bounds = known.get(shape);
  if (!bounds) known.set(shape, (bounds = kindOf(shape).bounds(shape)));
  return bounds;
}

/** The shape as it is stored; null when nothing of it is left. */
export function storedForm(shape: Shape): Shape | null {
  const { stored } = kindOf(shape);
  return stored ? stored(shape) : shape;
}
