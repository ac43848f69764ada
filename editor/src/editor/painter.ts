// The picture and all objects at rest, on one canvas. They are drawn in slices into a bitmap that is larger than the
// screen; while the view moves that bitmap is shown shifted and scaled, and a fresh one follows.

import type { Shape } from "../geometry/kinds.ts";
import { type Bounds, grow } from "../geometry/plane.ts";
import type { View } from "../shapes/kind.ts";
import { kindOf } from "../shapes/index.ts";
import { Emitter } from "../store/emitter.ts";
import type { Camera, Snapshot } from "./camera.ts";
import { type Picture, levelFor } from "./picture.ts";
import type { Scene } from "./scene.ts";
import type { Look } from "./look.ts";

const SLICE = 7;
const FRAME = 17;
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
  /** What changed meanwhile: drawn again at the end. */
  late: Bounds[];
}

/** How many points may be drawn for one frame. Drawing only records; what it costs shows in how late the next frame comes. */
class Pace {
  private points = 4_000;
  private before: number | null = null;

  /** The next frame follows none that this drew for. */
  begin(): void {
    this.before = null;
  }

  next(now: number): number {
    const took = this.before === null ? FRAME : now - this.before;
    if (took > 1.4 * FRAME) this.points = Math.max(300, (this.points * FRAME) / took);
    else if (this.before !== null) this.points = Math.min(200_000, this.points * 1.3);
    this.before = now;
    return this.points;
  }
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
  /** What is shown is of another picture or frame: no place of it can be drawn again alone. */
  private outdated = true;
  private movedAt = 0;
  private requested = false;
  private ratio = 1;
  private readonly pace = new Pace();
  /** Places to be drawn again with the next frame. */
  private places: Bounds[] = [];
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
    if (!places) {
      this.stale = this.outdated = true;
      this.job = null;
      this.places = [];
    } else this.places.push(...places);
    this.request();
  }

  private renew(): void {
    const places = this.places.splice(0);
    if (!places.length) return;
    this.job?.late.push(...places);
    const patched = !this.outdated && this.patch(places, this.shown);
    if (!patched && !this.job) this.stale = true;
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
    return this.stale || this.job !== null || this.places.length > 0;
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
    requestAnimationFrame((now) => {
      this.requested = false;
      this.tick(now);
    });
  }

  private tick(now: number): void {
    this.renew();
    if (this.stale && !this.job && this.mayStart()) this.start();
    if (this.job) this.work(this.job, this.pace.next(now));
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
    this.pace.begin();
    const view = this.camera.snapshot();
    this.spare.view = view;
    const margin = (OVERSCAN + 8);
    const seen = grow(this.camera.visible, margin / view.metric.x, margin / view.metric.y);
    this.job = { view, ids: this.scene.query(seen), next: 0, bitmap: this.spare, late: [] };
    const context = this.begin(this.spare.canvas);
    context.fillStyle = this.look.background;
    context.fillRect(-OVERSCAN, -OVERSCAN, this.camera.width + 2 * OVERSCAN, this.camera.height + 2 * OVERSCAN);
    this.drawPicture(context, view);
  }

  private begin(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
    const context = canvas.getContext("2d", { alpha: false })!;
    context.setTransform(this.ratio, 0, 0, this.ratio, OVERSCAN * this.ratio, OVERSCAN * this.ratio);
    return context;
  }

  private work(job: Job, points: number): void {
    const context = this.begin(job.bitmap.canvas);
    const end = performance.now() + SLICE;
    // As long as nothing is shown, soon is better than smooth.
    let left = this.shown.view ? points : Infinity;
    while (job.next < job.ids.length) {
      const id = job.ids[job.next++];
      left -= weight(this.scene.shapeOf(id));
      this.drawObject(context, job.view, id);
      if (left < 0 || ((job.next & 7) === 0 && performance.now() > end)) return;
    }
    this.veil?.(context, job.view);
    [this.shown, this.spare] = [job.bitmap, this.shown];
    this.job = null;
    this.outdated = false;
    if (job.late.length && !this.patch(job.late, this.shown)) this.stale = true;
  }

  private patch(places: Bounds[], { canvas, view }: Bitmap): boolean {
    // Names stand beside their objects.
    if (!view || this.look.named) return false;
    const edge = 6 + this.look.stroke;
    const around = (b: Bounds): Bounds => grow(b, edge / view.metric.x, edge / view.metric.y);
    const grown = places.map(around);
    // Lines reach beyond the boxes of their objects.
    const ids = this.scene.queryAll(grown.map(around));
    if (ids.length > PATCH_LIMIT) return false;
    const context = this.begin(canvas);
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
    for (const id of ids) this.drawObject(context, view, id);
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

/** What an object costs to draw, in points of an outline. */
function weight(shape: Shape | null): number {
  if (shape?.type === "polygon") return 8 + shape.parts.reduce((sum, rings) => rings.reduce((n, ring) => n + ring.length / 2, sum), 0);
  return 8 + (shape?.type === "polyline" ? shape.points.length / 2 : 8);
}
