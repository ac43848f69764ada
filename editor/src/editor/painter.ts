// The picture and all objects at rest, on one canvas. They are drawn in slices into a bitmap that is larger than the
// screen; while the view moves that bitmap is shown shifted and scaled, and a fresh one follows.

import { type Bounds, grow, overlaps } from "../geometry/plane.ts";
import type { View } from "../shapes/kind.ts";
import { kindOf } from "../shapes/index.ts";
import { Emitter } from "../store/emitter.ts";
import type { Camera, Snapshot } from "./camera.ts";
import { type Picture, levelFor } from "./picture.ts";
import type { Scene } from "./scene.ts";
import type { Look } from "./look.ts";

const SLICE = 7;
const OVERSCAN = 96;
const PATCH_LIMIT = 800;
const REST = 60;

interface Bitmap {
  canvas: HTMLCanvasElement;
  view: Snapshot | null;
}

interface Job {
  view: Snapshot;
  ids: number[];
  next: number;
  bitmap: Bitmap;
}

export class Painter {
  picture: Picture | null = null;
  /** Drawn over all objects, as they are. */
  veil: ((context: CanvasRenderingContext2D, view: View) => void) | null = null;
  /** Objects that are drawn elsewhere just now. */
  private omitted: ReadonlySet<number> = new Set();
  private shown: Bitmap = { canvas: document.createElement("canvas"), view: null };
  private spare: Bitmap = { canvas: document.createElement("canvas"), view: null };
  private job: Job | null = null;
  private stale = true;
  private movedAt = 0;
  private requested = false;
  private ratio = 1;
  private readonly context: CanvasRenderingContext2D;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly camera: Camera,
    private readonly scene: Scene,
    private readonly look: Look,
  ) {
    this.context = canvas.getContext("2d", { alpha: false })!;
    camera.changed.on(() => {
      this.movedAt = performance.now();
      this.stale = true;
      this.request();
    });
    scene.dirtied.on((places) => this.dirty(places));
  }

  resize(ratio: number): void {
    this.ratio = ratio;
    this.canvas.width = Math.round(this.camera.width * ratio);
    this.canvas.height = Math.round(this.camera.height * ratio);
    for (const bitmap of [this.shown, this.spare]) {
      bitmap.canvas.width = Math.round((this.camera.width + 2 * OVERSCAN) * ratio);
      bitmap.canvas.height = Math.round((this.camera.height + 2 * OVERSCAN) * ratio);
      bitmap.view = null;
    }
    this.job = null;
    this.dirty(null);
  }

  /** Forgets what is shown: it was of a picture of another size. */
  reset(): void {
    this.shown.view = null;
    this.dirty(null);
  }

  /** Draws these places again, or (null) everything. */
  dirty(places: Bounds[] | null): void {
    const { view } = this.shown;
    const patched = places && view && !this.job && !this.stale && this.patch(places, view);
    if (!patched) {
      this.stale = true;
      this.job = null;
    }
    this.request();
  }

  /** Leaves these objects out: they are being changed and are drawn above. */
  omit(ids: ReadonlySet<number>): void {
    const changed = [...ids].filter((id) => !this.omitted.has(id)).concat([...this.omitted].filter((id) => !ids.has(id)));
    if (!changed.length) return;
    this.omitted = ids;
    const shapes = changed.map((id) => this.scene.shapeOf(id)).filter((shape) => shape !== null);
    this.dirty(shapes.length > 50 ? null : shapes.map((shape) => kindOf(shape).bounds(shape)));
  }

  /** A fresh bitmap is still to come (true), or all is shown as it is (false). */
  readonly changed = new Emitter<boolean>();
  private said = false;

  private get busy(): boolean {
    return this.stale || this.job !== null;
  }

  private sayBusy(): void {
    if (this.said === this.busy) return;
    this.said = this.busy;
    this.changed.emit(this.busy);
  }

  request(): void {
    this.sayBusy();
    if (this.requested) return;
    this.requested = true;
    requestAnimationFrame(() => {
      this.requested = false;
      this.tick();
    });
  }

  private tick(): void {
    if (this.stale && !this.job && this.mayStart()) this.start();
    if (this.job) this.work(this.job);
    this.present();
    this.sayBusy();
    if (this.busy) this.request();
  }

  /** While the view moves, fresh bitmaps wait for a short rest, unless what is shown leaves too much bare. */
  private mayStart(): boolean {
    if (!this.shown.view) return true;
    return performance.now() - this.movedAt >= REST;
  }

  private start(): void {
    this.stale = false;
    const view = this.camera.snapshot();
    this.spare.view = view;
    const margin = (OVERSCAN + 8);
    const seen = grow(this.camera.visible, margin / view.metric.x, margin / view.metric.y);
    this.job = { view, ids: this.scene.query(seen), next: 0, bitmap: this.spare };
    const context = this.begin(this.spare);
    context.fillStyle = this.look.background;
    context.fillRect(-OVERSCAN, -OVERSCAN, this.camera.width + 2 * OVERSCAN, this.camera.height + 2 * OVERSCAN);
    this.drawPicture(context, view);
  }

  private begin({ canvas }: Bitmap): CanvasRenderingContext2D {
    const context = canvas.getContext("2d", { alpha: false })!;
    context.setTransform(this.ratio, 0, 0, this.ratio, OVERSCAN * this.ratio, OVERSCAN * this.ratio);
    return context;
  }

  private work(job: Job): void {
    const context = this.begin(job.bitmap);
    const end = performance.now() + SLICE;
    while (job.next < job.ids.length) {
      this.drawObject(context, job.view, job.ids[job.next++]);
      if ((job.next & 7) === 0 && performance.now() > end) return;
    }
    this.veil?.(context, job.view);
    [this.shown, this.spare] = [job.bitmap, this.shown];
    this.job = null;
  }

  private patch(places: Bounds[], view: Snapshot): boolean {
    const edge = 6 + this.look.stroke;
    const grown = places.map((b) => grow(b, edge / view.metric.x, edge / view.metric.y));
    const all = new Set(grown.flatMap((b) => this.scene.query(b)));
    if (all.size > PATCH_LIMIT) return false;
    const context = this.begin(this.shown);
    context.save();
    context.beginPath();
    for (const b of grown) {
      const [x1, y1] = [Math.floor(view.x(b.x1)), Math.floor(view.y(b.y1))];
      context.rect(x1, y1, Math.ceil(view.x(b.x2)) - x1, Math.ceil(view.y(b.y2)) - y1);
    }
    context.clip();
    context.fillStyle = this.look.background;
    context.fillRect(-OVERSCAN, -OVERSCAN, this.camera.width + 2 * OVERSCAN, this.camera.height + 2 * OVERSCAN);
    this.drawPicture(context, view);
    const ids = this.scene.query(grown.reduce((a, b) => ({ x1: Math.min(a.x1, b.x1), y1: Math.min(a.y1, b.y1), x2: Math.max(a.x2, b.x2), y2: Math.max(a.y2, b.y2) })));
    for (const id of ids) {
      const shape = this.scene.shapeOf(id)!;
      const b = kindOf(shape).bounds(shape);
      if (grown.some((place) => overlaps(place, grow(b, edge / view.metric.x, edge / view.metric.y)))) this.drawObject(context, view, id);
    }
    this.veil?.(context, view);
    context.restore();
    return true;
  }

  private drawObject(context: CanvasRenderingContext2D, view: View, id: number): void {
    if (this.omitted.has(id)) return;
    const shape = this.scene.shapeOf(id);
    if (!shape) return;
    const kind = kindOf(shape);
    const style = this.look.style(id);
    const b = kind.bounds(shape);
    const [w, h] = [(b.x2 - b.x1) * view.metric.x, (b.y2 - b.y1) * view.metric.y];
    if (w < 2 && h < 2 && shape.type !== "point" && shape.type !== "mask") {
      // Too small to have a form: one speck in its colour.
      context.fillStyle = style.color;
      context.fillRect(view.x(b.x1) - 0.5, view.y(b.y1) - 0.5, Math.max(1.5, w), Math.max(1.5, h));
      return;
    }
    kind.draw(shape, context, view, style);
    if (this.look.named) this.look.name(context, view, id, b);
  }

  private drawPicture(context: CanvasRenderingContext2D, view: View): void {
    const { picture } = this;
    if (!picture) return;
    const zoom = (view.metric.x / picture.width) * this.ratio;
    context.imageSmoothingEnabled = this.look.smooth || zoom < 1;
    context.imageSmoothingQuality = "low";
    const image = levelFor(picture, zoom);
    // Only the part that can be seen: scaling the rest up would cost as much as drawing it.
    const [left, top] = [-OVERSCAN, -OVERSCAN];
    const [right, bottom] = [this.camera.width + OVERSCAN, this.camera.height + OVERSCAN];
    const unit = { x: view.metric.x / image.width, y: view.metric.y / image.height };
    const sx = Math.max(0, Math.floor((left - view.x(0)) / unit.x));
    const sy = Math.max(0, Math.floor((top - view.y(0)) / unit.y));
    const ex = Math.min(image.width, Math.ceil((right - view.x(0)) / unit.x));
    const ey = Math.min(image.height, Math.ceil((bottom - view.y(0)) / unit.y));
    if (ex <= sx || ey <= sy) return;
    if (picture.tiles) context.imageSmoothingEnabled = true;
    context.drawImage(image, sx, sy, ex - sx, ey - sy, view.x(0) + sx * unit.x, view.y(0) + sy * unit.y, (ex - sx) * unit.x, (ey - sy) * unit.y);
    if (picture.tiles) {
      context.imageSmoothingEnabled = this.look.smooth || zoom < 1;
      picture.tiles.draw(context, view, zoom, left, top, right, bottom);
    }
    if (this.look.grid) this.drawGrid(context, view);
  }

  private drawGrid(context: CanvasRenderingContext2D, view: View): void {
    const wanted = 80 / (view.metric.x / this.picture!.width);
    const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((s) => s >= wanted) ?? 10000;
    context.beginPath();
    for (let x = 0; x <= this.picture!.width; x += step) {
      const at = Math.round(view.x(x / this.picture!.width)) + 0.5;
      context.moveTo(at, view.y(0));
      context.lineTo(at, view.y(1));
    }
    for (let y = 0; y <= this.picture!.height; y += step) {
      const at = Math.round(view.y(y / this.picture!.height)) + 0.5;
      context.moveTo(view.x(0), at);
      context.lineTo(view.x(1), at);
    }
    context.strokeStyle = "#ffffff40";
    context.lineWidth = 1;
    context.setLineDash([]);
    context.stroke();
  }

  /** Shows the bitmap where the view is now: one copy when it has not moved. */
  private present(): void {
    const { context, camera, shown } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    const { view } = shown;
    if (!view) {
      context.fillStyle = this.look.background;
      context.fillRect(0, 0, this.canvas.width, this.canvas.height);
      return;
    }
    const scale = camera.metric.x / view.metric.x;
    const still = Math.abs(scale - 1) < 1e-9;
    const x = (camera.left - (view.left + OVERSCAN) * scale) * this.ratio;
    const y = (camera.top - (view.top + OVERSCAN) * scale) * this.ratio;
    // The bitmap is larger than the screen: only a view that moved far leaves borders bare.
    const [left, top] = [Math.ceil(x), Math.ceil(y)];
    const [right, bottom] = [Math.floor(x + shown.canvas.width * scale), Math.floor(y + shown.canvas.height * scale)];
    const covers = left <= 0 && top <= 0 && right >= this.canvas.width && bottom >= this.canvas.height;
    if (!covers) this.presentBehind(left, top, right, bottom);
    context.imageSmoothingEnabled = !still;
    context.imageSmoothingQuality = "low";
    if (still) context.drawImage(shown.canvas, Math.round(x), Math.round(y));
    else context.drawImage(shown.canvas, x, y, shown.canvas.width * scale, shown.canvas.height * scale);
  }

  /** The bare picture, small, around what is covered: what shows at the borders before the fresh bitmap is there. */
  private presentBehind(left: number, top: number, right: number, bottom: number): void {
    const { context, camera, picture, ratio } = this;
    context.save();
    context.beginPath();
    context.rect(0, 0, this.canvas.width, this.canvas.height);
    context.rect(left, top, right - left, bottom - top);
    context.clip("evenodd");
    context.fillStyle = this.look.background;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.imageSmoothingEnabled = false;
    if (picture) context.drawImage(picture.levels.at(-1)!, camera.left * ratio, camera.top * ratio, camera.metric.x * ratio, camera.metric.y * ratio);
    context.restore();
  }
}
