// The nine shapes as they are stored: see `geometry/document.py`, whose twin this is.

import type { Flat } from "./plane.ts";
import type { Part } from "./polygon.ts";

export interface Rectangle {
  type: "rectangle";
  box: [number, number, number, number];
}

export interface OrientedRectangle {
  type: "oriented_rectangle";
  points: Flat;
}

export interface Polygon {
  type: "polygon";
  parts: Part[];
}

export interface Polyline {
  type: "polyline";
  points: Flat;
}

export interface PointShape {
  type: "point";
  points: Flat;
}

export interface Landmarks {
  type: "landmarks";
  points: Flat;
  labels: number[];
}

/** `visibility`: 0 absent, 1 hidden, 2 visible, one a point. */
export interface Skeleton {
  type: "skeleton";
  points: Flat;
  visibility: number[];
}

/** Front face bottom-left, bottom-right, top-right, top-left; then the back face in the same order. */
export interface Cuboid {
  type: "cuboid";
  points: Flat;
  faces?: Record<string, number[]> | null;
}

/** `box`: x, y, width, height in grid pixels; `counts`: COCO compressed runs of that cut-out. */
export interface Mask {
  type: "mask";
  size: [number, number];
  box: [number, number, number, number];
  counts: string;
}

export type Shape = Rectangle | OrientedRectangle | Polygon | Polyline | PointShape | Landmarks | Skeleton | Cuboid | Mask;
export type ShapeType = Shape["type"];
