// Which part of the picture is seen, and how large.

import { type Bounds, type Metric, type Point, clamp } from "../geometry/plane.ts";
import type { View } from "../shapes/kind.ts";
import { Emitter } from "../store/emitter.ts";

const MOST = 64;
const MARGIN = 24;

export class Camera implements View {
  readonly changed = new Emitter();
  width = 1;
  height = 1;
  /** The picture's pixels. */
  size: Metric = { x: 1, y: 1 };
  /** Screen pixels per pixel of the picture. */
  zoom = 1;
  left = 0;
  top = 0;
  private fitted = true;

  get metric(): Metric {
    return { x: this.size.x * this.zoom, y: this.size.y * this.zoom };
  }

  x(fraction: number): number {
    return this.left + fraction * this.size.x * this.zoom;
  }

  y(fraction: number): number {
    return this.top + fraction * this.size.y * this.zoom;
  }

  /** The fraction of the picture under a place on the screen. */
  at(x: number, y: number): Point {
    return { x: (x - this.left) / (this.size.x * this.zoom), y: (y - this.top) / (this.size.y * this.zoom) };
  }

  get visible(): Bounds {
    const a = this.at(0, 0);
    const b = this.at(this.width, this.height);
    return { x1: a.x, y1: a.y, x2: b.x, y2: b.y };
  }

  resize(width: number, height: number): void {
    const centre = this.at(this.width / 2, this.height / 2);
    [this.width, this.height] = [Math.max(1, width), Math.max(1, height)];
    if (this.fitted) return this.fit();
    this.left = this.width / 2 - centre.x * this.metric.x;
    this.top = this.height / 2 - centre.y * this.metric.y;
    this.settle();
  }

  /** Another picture: the same place and share of it when it has the same size, else all of it. */
  show(size: Metric): void {
    if (size.x === this.size.x && size.y === this.size.y) return;
    this.size = size;
    this.fit();
  }

  fit(): void {
    this.zoomTo({ x1: 0, y1: 0, x2: 1, y2: 1 }, MARGIN);
    this.fitted = true;
  }

  zoomTo(b: Bounds, margin = 80): void {
    const w = Math.max((b.x2 - b.x1) * this.size.x, 1);
    const h = Math.max((b.y2 - b.y1) * this.size.y, 1);
    const room = Math.min(margin, this.width / 6, this.height / 6);
    this.zoom = clamp(Math.min((this.width - 2 * room) / w, (this.height - 2 * room) / h), this.least, Math.min(MOST, margin === MARGIN ? MOST : 16));
    this.left = this.width / 2 - ((b.x1 + b.x2) / 2) * this.metric.x;
    this.top = this.height / 2 - ((b.y1 + b.y2) / 2) * this.metric.y;
    this.fitted = false;
    this.changed.emit();
  }

  private get least(): number {
    return Math.min(1, this.width / this.size.x, this.height / this.size.y) / 4;
  }

  zoomAt(x: number, y: number, factor: number): void {
    const zoom = clamp(this.zoom * factor, this.least, MOST);
    const p = this.at(x, y);
    this.zoom = zoom;
    this.left = x - p.x * this.metric.x;
    this.top = y - p.y * this.metric.y;
    this.settle();
  }

  pan(dx: number, dy: number): void {
    this.left += dx;
    this.top += dy;
    this.settle();
  }

  /** Keeps a part of the picture on the screen. */
  private settle(): void {
    const keep = 48;
    this.left = clamp(this.left, keep - this.metric.x, this.width - keep);
    this.top = clamp(this.top, keep - this.metric.y, this.height - keep);
    this.fitted = false;
    this.changed.emit();
  }

  /** A copy that stays as it is. */
  snapshot(): Snapshot {
    return new Snapshot(this.left, this.top, this.metric);
  }
}

export class Snapshot implements View {
  constructor(
    readonly left: number,
    readonly top: number,
    readonly metric: Metric,
  ) {}

  x(fraction: number): number {
    return this.left + fraction * this.metric.x;
  }

  y(fraction: number): number {
    return this.top + fraction * this.metric.y;
  }
}
