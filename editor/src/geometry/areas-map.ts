// A part of the picture divided into areas: which area is where, and areas as pixels of a mask.

import { type Bounds, type Point, clamp } from "./plane.ts";
import { type Raster, blank } from "./raster.ts";

/** `labels`: each cell's area over `width` x `height` cells that lie in `part` of the picture, row by row. */
export interface AreaMap {
  part: Bounds;
  width: number;
  height: number;
  labels: Uint16Array;
}

/** The area at a place; null outside of the map. */
export function areaAt(map: AreaMap, p: Point): number | null {
  const { part, width, height } = map;
  if (p.x < part.x1 || p.y < part.y1 || p.x >= part.x2 || p.y >= part.y2) return null;
  const column = Math.floor(((p.x - part.x1) / (part.x2 - part.x1)) * width);
  const row = Math.floor(((p.y - part.y1) / (part.y2 - part.y1)) * height);
  return map.labels[clamp(row, 0, height - 1) * width + clamp(column, 0, width - 1)];
}

/** Areas on the way from a to b, both included. */
export function areasBetween(map: AreaMap, a: Point, b: Point): number[] {
  const { part, width, height } = map;
  const steps = Math.max(1, Math.ceil(2 * Math.max((Math.abs(b.x - a.x) / (part.x2 - part.x1)) * width, (Math.abs(b.y - a.y) / (part.y2 - part.y1)) * height)));
  const found = new Set<number>();
  for (let i = 0; i <= steps; i++) {
    const area = areaAt(map, { x: a.x + ((b.x - a.x) * i) / steps, y: a.y + ((b.y - a.y) * i) / steps });
    if (area !== null) found.add(area);
  }
  return [...found];
}

/** The pixels of these areas on a grid of `size`: a pixel belongs to the area at its middle. */
export function rasterOfAreas(map: AreaMap, areas: ReadonlySet<number>, size: [number, number]): Raster {
  const { part, width, height, labels } = map;
  let [c1, r1, c2, r2] = [width, height, -1, -1];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (!areas.has(labels[row * width + column])) continue;
      [c1, c2, r1, r2] = [Math.min(c1, column), Math.max(c2, column), Math.min(r1, row), Math.max(r2, row)];
    }
  }
  if (c2 < 0) return blank(size);
  const x = (column: number): number => (part.x1 + (column / width) * (part.x2 - part.x1)) * size[0];
  const y = (row: number): number => (part.y1 + (row / height) * (part.y2 - part.y1)) * size[1];
  const [left, top] = [Math.max(0, Math.floor(x(c1))), Math.max(0, Math.floor(y(r1)))];
  const raster = blank(size, left, top, Math.min(size[0], Math.ceil(x(c2 + 1))) - left, Math.min(size[1], Math.ceil(y(r2 + 1))) - top);
  for (let row = 0; row < raster.height; row++) {
    for (let column = 0; column < raster.width; column++) {
      const area = areaAt(map, { x: (left + column + 0.5) / size[0], y: (top + row + 0.5) / size[1] });
      if (area !== null && areas.has(area)) raster.bits[row * raster.width + column] = 1;
    }
  }
  return raster;
}
