// What the editor must know of a kind of shape: to draw it, to find it under the pointer, and to change it.

import type { Shape, ShapeType } from "../geometry/kinds.ts";
import type { Bounds, Flat, Metric, Point } from "../geometry/plane.ts";
import type { SkeletonTemplate } from "../model/work.ts";

/** How a fraction of the picture becomes a place on the canvas. */
export interface View {
  x(fraction: number): number;
  y(fraction: number): number;
  readonly metric: Metric;
}

export interface Style {
  color: string;
  /** 0 to 1 for the inside. */
  opacity: number;
  width: number;
  dash?: number[];
  template?: SkeletonTemplate | null;
  /** How masks are filled, beside their colour; 0: plain among others that are not. */
  pattern?: number;
  /** Points and numbers drawn large enough to grab. */
  active?: boolean;
}

/** A place on a shape that can be dragged. `path` tells the kind which one it is. */
export interface Handle {
  role: "corner" | "edge" | "vertex" | "middle" | "rotate";
  path: number[];
  x: number;
  y: number;
  cursor: string;
  label?: string;
  /** Of a point that is not there. */
  faint?: boolean;
}

/** How near a point is: on the inside, and screen pixels to the outline. */
export interface Nearness {
  inside: boolean;
  edge: number;
}

export interface ShapeKind<S extends Shape = Shape> {
  readonly type: ShapeType;
  readonly label: string;
  bounds(shape: S): Bounds;
  /** Where the two look different; null when they look the same. Without it: wherever either is. */
  change?(before: S, after: S): Bounds | null;
  near(shape: S, p: Point, m: Metric): Nearness;
  draw(shape: S, canvas: CanvasRenderingContext2D, view: View, style: Style): void;
  handles(shape: S, m: Metric): Handle[];
  /** The shape with `handle` dragged to `p`. `m`: screen pixels per fraction, for angles. */
  drag(shape: S, handle: Handle, p: Point, m: Metric): S;
  move(shape: S, dx: number, dy: number): S;
  /** The shape carried from one box into another. */
  fit(shape: S, from: Bounds, to: Bounds): S;
  /** The shape without that vertex; null when it needs it. */
  without?(shape: S, handle: Handle): S | null;
  /** As it is stored; null when nothing of it is left. Without it: as it is. */
  stored?(shape: S): S | null;
  /** Points that others may snap to. */
  points(shape: S): Flat;
  /** Its size in words; `size` is the picture's width and height in pixels. */
  measure(shape: S, size: Metric): string;
}

/** The colour with a share of opacity, for `#rrggbb` and `#rgb`. */
function translucent(color: string, opacity: number): string {
  return color + Math.round(opacity * 255).toString(16).padStart(2, "0");
}

export function line(canvas: CanvasRenderingContext2D, view: View, points: Flat, closed: boolean): void {
  for (let i = 0; i < points.length; i += 2) {
    if (i === 0) canvas.moveTo(view.x(points[0]), view.y(points[1]));
    else canvas.lineTo(view.x(points[i]), view.y(points[i + 1]));
  }
  if (closed) canvas.closePath();
}

/** Draws an image at a place of the picture, on whole pixels of the screen: neighbouring tiles meet without a seam. */
export function drawTile(canvas: CanvasRenderingContext2D, image: CanvasImageSource, view: View, place: Bounds): void {
  const { a, d, e, f } = canvas.getTransform();
  const x = (fraction: number): number => (Math.round(view.x(fraction) * a + e) - e) / a;
  const y = (fraction: number): number => (Math.round(view.y(fraction) * d + f) - f) / d;
  const [left, top] = [x(place.x1), y(place.y1)];
  canvas.drawImage(image, left, top, x(place.x2) - left, y(place.y2) - top);
}

/** Fills and strokes the current path. */
export function ink(canvas: CanvasRenderingContext2D, style: Style, filled: boolean): void {
  if (filled && style.opacity > 0) {
    canvas.fillStyle = translucent(style.color, style.opacity);
    canvas.fill("evenodd");
  }
  canvas.strokeStyle = style.color;
  canvas.lineWidth = style.width;
  canvas.setLineDash(style.dash ?? []);
  canvas.stroke();
}

export function dot(canvas: CanvasRenderingContext2D, view: View, p: Point, radius: number, style: Style, hollow = false): void {
  canvas.beginPath();
  canvas.arc(view.x(p.x), view.y(p.y), radius, 0, 2 * Math.PI);
  canvas.fillStyle = hollow ? "#00000088" : style.color;
  canvas.fill();
  canvas.strokeStyle = hollow ? style.color : "#000000aa";
  canvas.lineWidth = hollow ? style.width : 1;
  canvas.setLineDash([]);
  canvas.stroke();
}

export function note(canvas: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  canvas.font = "11px system-ui, sans-serif";
  canvas.lineWidth = 3;
  canvas.strokeStyle = "#000000cc";
  canvas.setLineDash([]);
  canvas.strokeText(text, x, y);
  canvas.fillStyle = "#ffffff";
  canvas.fillText(text, x, y);
}

export const pixels = (value: number): string => String(Math.round(value * 10) / 10);

export const vertices = (points: Flat, path: number[] = [], labels?: string[]): Handle[] =>
  Array.from({ length: points.length / 2 }, (_, i) => ({
    role: "vertex", path: [...path, i], x: points[2 * i], y: points[2 * i + 1], cursor: "move", label: labels?.[i],
  }));

/** Handles between vertices: dragging one makes a new vertex there. */
export const middles = (points: Flat, closed: boolean, path: number[] = []): Handle[] => {
  const count = points.length / 2;
  return Array.from({ length: closed ? count : count - 1 }, (_, i) => {
    const j = (i + 1) % count;
    return {
      role: "middle", path: [...path, i], cursor: "copy",
      x: (points[2 * i] + points[2 * j]) / 2, y: (points[2 * i + 1] + points[2 * j + 1]) / 2,
    };
  });
};
