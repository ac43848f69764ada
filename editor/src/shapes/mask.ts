// Masks: pixels on a grid of their own.

import type { Mask } from "../geometry/kinds.ts";
import { type Bounds, type Flat, type Metric, type Point, holds } from "../geometry/plane.ts";
import { type Raster, countBits, maskOf, outlines, pixelAt, rasterOf } from "../geometry/raster.ts";
import { encodeRuns, bitsToRuns } from "../geometry/runs.ts";
import { type ShapeKind, type View, ink, line } from "./kind.ts";

const painted = new WeakMap<Mask, { key: string; canvas: HTMLCanvasElement }>();
const traced = new WeakMap<Mask, Flat[]>();

/** The raster in one colour on a canvas of its own size. */
export function tint(raster: Raster, color: string, opacity: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, raster.width);
  canvas.height = Math.max(1, raster.height);
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(canvas.width, canvas.height);
  const cells = new Uint32Array(image.data.buffer);
  const value = Number.parseInt(color.slice(1, 7), 16);
  // ImageData is RGBA in memory: little-endian words are ABGR.
  const word = ((Math.round(opacity * 255) << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
  for (let i = 0; i < raster.bits.length; i++) if (raster.bits[i]) cells[i] = word;
  context.putImageData(image, 0, 0);
  return canvas;
}

function canvasOf(mask: Mask, color: string, opacity: number): HTMLCanvasElement {
  const key = `${color}/${opacity}`;
  let kept = painted.get(mask);
  if (kept?.key !== key) {
    kept = { key, canvas: tint(rasterOf(mask), color, opacity) };
    painted.set(mask, kept);
  }
  return kept.canvas;
}

const areas = new WeakMap<Mask, number>();

/** Set pixels; counted once a mask, since panels ask with every movement. */
function areaOf(mask: Mask): number {
  let area = areas.get(mask);
  if (area === undefined) areas.set(mask, (area = countBits(rasterOf(mask))));
  return area;
}

const ringsOf = (mask: Mask): Flat[] => {
  let rings = traced.get(mask);
  if (!rings) traced.set(mask, (rings = outlines(rasterOf(mask)).flat()));
  return rings;
};

/** Draws a cut-out of a mask's grid at its place. */
export function place(canvas: CanvasRenderingContext2D, view: View, raster: Pick<Raster, "size" | "x" | "y" | "width" | "height">, image: HTMLCanvasElement): void {
  const [w, h] = raster.size;
  const x = view.x(raster.x / w);
  const y = view.y(raster.y / h);
  canvas.imageSmoothingEnabled = false;
  canvas.drawImage(image, x, y, view.x((raster.x + raster.width) / w) - x, view.y((raster.y + raster.height) / h) - y);
}

/** Screen pixels to the nearest set pixel, looking no farther than `reach` of them. */
function reach(raster: Raster, p: Point, m: Metric, limit: number): number {
  const [w, h] = raster.size;
  const [cx, cy] = [p.x * w, p.y * h];
  const [dx, dy] = [Math.ceil((limit / m.x) * w), Math.ceil((limit / m.y) * h)];
  if (dx * dy > 4096) return Infinity;
  let best = Infinity;
  for (let y = Math.floor(cy) - dy; y <= cy + dy; y++) {
    for (let x = Math.floor(cx) - dx; x <= cx + dx; x++) {
      if (pixelAt(raster, x, y)) best = Math.min(best, Math.hypot(((x + 0.5 - cx) / w) * m.x, ((y + 0.5 - cy) / h) * m.y));
    }
  }
  return best;
}

const boxOf = ({ size: [w, h], box: [x, y, width, height] }: Mask): Bounds => ({ x1: x / w, y1: y / h, x2: (x + width) / w, y2: (y + height) / h });

/** Moved by whole grid pixels; what leaves the grid is cut off. */
function moved(shape: Mask, dx: number, dy: number): Mask {
  const raster = rasterOf(shape);
  const [w, h] = shape.size;
  const [x, y] = [raster.x + Math.round(dx * w), raster.y + Math.round(dy * h)];
  if (x >= 0 && y >= 0 && x + raster.width <= w && y + raster.height <= h) return { ...shape, box: [x, y, raster.width, raster.height] };
  const bits = new Uint8Array(raster.width * raster.height);
  for (let row = 0; row < raster.height; row++) {
    for (let column = 0; column < raster.width; column++) {
      const there = x + column >= 0 && x + column < w && y + row >= 0 && y + row < h;
      if (there) bits[row * raster.width + column] = raster.bits[row * raster.width + column];
    }
  }
  return maskOf({ ...raster, x, y, bits }) ?? shape;
}

function resampled(shape: Mask, from: Bounds, to: Bounds): Mask {
  const [w, h] = shape.size;
  const raster = rasterOf(shape);
  const sx = (to.x2 - to.x1) / (from.x2 - from.x1 || 1);
  const sy = (to.y2 - to.y1) / (from.y2 - from.y1 || 1);
  const b = boxOf(shape);
  const x = Math.round((to.x1 + (b.x1 - from.x1) * sx) * w);
  const y = Math.round((to.y1 + (b.y1 - from.y1) * sy) * h);
  const width = Math.max(1, Math.min(w - x, Math.round(raster.width * sx)));
  const height = Math.max(1, Math.min(h - y, Math.round(raster.height * sy)));
  if (x < 0 || y < 0 || x >= w || y >= h) return shape;
  const bits = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const source = Math.min(raster.height - 1, Math.floor((row + 0.5) / sy)) * raster.width;
    for (let column = 0; column < width; column++) {
      bits[row * width + column] = raster.bits[source + Math.min(raster.width - 1, Math.floor((column + 0.5) / sx))];
    }
  }
  return { type: "mask", size: shape.size, box: [x, y, width, height], counts: encodeRuns(bitsToRuns(bits, width, height)) };
}

export const mask: ShapeKind<Mask> = {
  type: "mask",
  label: "Mask",
  bounds: boxOf,
  near(shape, p, m) {
    const raster = rasterOf(shape);
    const inside = holds(boxOf(shape), p) && pixelAt(raster, Math.floor(p.x * shape.size[0]), Math.floor(p.y * shape.size[1])) === 1;
    return { inside, edge: inside ? 20 : reach(raster, p, m, 6) };
  },
  draw(shape, canvas, view, style) {
    place(canvas, view, rasterOf(shape), canvasOf(shape, style.color, Math.min(1, style.opacity * 1.7 + 0.06)));
    if (!style.active) return;
    canvas.beginPath();
    for (const ring of ringsOf(shape)) line(canvas, view, ring, true);
    ink(canvas, style, false);
  },
  handles: () => [],
  drag: (shape) => shape,
  move: moved,
  fit: resampled,
  points: () => [],
  measure: (shape) => `${areaOf(shape).toLocaleString("en")} px`,
};
