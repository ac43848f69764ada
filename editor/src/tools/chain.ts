// Tools that lay point after point: polygons, lines, landmarks. Clicks add points, dragging draws freehand, Backspace
// takes the last one back, Enter or a double click finishes.

import type { Shape } from "../geometry/kinds.ts";
import { type Flat, type Point, distance, pointAt } from "../geometry/plane.ts";
import { inParts, simplify } from "../geometry/polygon.ts";
import { line, type View } from "../shapes/kind.ts";
import { polygonOf } from "../shapes/polygon.ts";
import { Drawing } from "./drawing.ts";
import { type Desk, type Pointer, type ToolSpec, sketch, SKETCH } from "./tool.ts";

export interface ChainDraft {
  points: Flat;
  pressed: boolean;
  /** Where in `points` a freehand stretch began. */
  freehand: number | null;
  /** How long `points` was before the pointer was pressed. */
  before?: number;
}

const STEP = 6;
const CLOSE = 10;

export abstract class ChainTool extends Drawing<ChainDraft> {
  protected readonly least: number = 3;
  protected readonly freehand: boolean = true;
  /** Points that were taken back, the last one last. */
  private taken: Flat = [];

  get state(): string {
    return !this.draft ? "idle" : this.draft.freehand !== null ? "freehand" : "points";
  }

  hint(): string {
    return this.draft ? "Click for the next point, Enter to finish, Backspace takes one back, Esc cancels" : "Click point after point, or drag freehand";
  }

  down(p: Pointer): void {
    this.last = p;
    const place = this.place(p);
    this.draft ??= this.begin(p);
    const { points } = this.draft;
    if (this.closes(p)) return this.finish();
    this.draft.before = points.length;
    this.taken = [];
    const repeated = points.length > 0 && distance(pointAt(points, points.length / 2 - 1), place, this.desk.metric) < 1;
    if (!repeated) points.push(place.x, place.y);
    this.draft.pressed = true;
    this.desk.redraw();
  }

  protected begin(_p: Pointer): ChainDraft {
    return { points: [], pressed: true, freehand: null };
  }

  override move(p: Pointer): void {
    super.move(p);
    const { draft } = this;
    if (!draft?.pressed || !this.freehand) return;
    const end = pointAt(draft.points, draft.points.length / 2 - 1);
    if (distance(end, p, this.desk.metric) < STEP) return;
    draft.freehand ??= draft.points.length - 2;
    const place = this.place({ ...p, alt: true });
    draft.points.push(place.x, place.y);
  }

  up(p: Pointer): void {
    this.last = p;
    const { draft } = this;
    if (!draft) return;
    draft.pressed = false;
    if (draft.freehand === null) return;
    const stretch = simplify(draft.points.slice(draft.freehand), 1, this.desk.metric);
    draft.points = [...draft.points.slice(0, draft.freehand), ...stretch];
    draft.freehand = null;
    if (this.closes(p)) this.finish();
  }

  double(): void {
    this.finish();
  }

  finish(): void {
    if (!this.draft) return;
    if (this.draft.points.length < 2 * this.least) return this.desk.say(`At least ${this.least} points are needed`);
    this.complete(this.draft);
  }

  protected abstract complete(draft: ChainDraft): void;

  back(): boolean {
    const { draft } = this;
    if (!draft) return false;
    if (draft.freehand !== null) this.retract();
    else this.taken.push(...draft.points.splice(-2));
    if (!draft.points.length) this.draft = null;
    this.desk.redraw();
    return true;
  }

  again(): boolean {
    if (!this.draft || !this.taken.length) return false;
    this.draft.points.push(...this.taken.splice(-2));
    this.desk.redraw();
    return true;
  }

  retract(): void {
    const { draft } = this;
    if (!draft?.pressed) return;
    draft.points.length = Math.min(draft.points.length, draft.before ?? 0);
    [draft.pressed, draft.freehand] = [false, null];
    if (!draft.points.length) this.draft = null;
    this.desk.redraw();
  }

  kept(): (() => void) | null {
    const { draft } = this;
    return draft && draft.points.length >= 6 ? () => (this.draft = { ...draft, pressed: false, freehand: null }) : null;
  }

  /** Does a click here close the chain? */
  protected closes(_p: Pointer): boolean {
    return false;
  }

  override draw(canvas: CanvasRenderingContext2D, view: View): void {
    if (!this.draft || !this.last) return;
    super.draw(canvas, view);
    const next = this.place(this.last);
    canvas.beginPath();
    line(canvas, view, [...this.draft.points, next.x, next.y], false);
    sketch(canvas, this.desk.classInHand?.color ?? SKETCH);
    for (let i = 0; i < this.draft.points.length; i += 2) {
      const first = i === 0 && this.closes(this.last);
      canvas.beginPath();
      canvas.arc(view.x(this.draft.points[i]), view.y(this.draft.points[i + 1]), first ? 7 : 3.5, 0, 2 * Math.PI);
      canvas.fillStyle = "#ffffff";
      canvas.fill();
      canvas.lineWidth = 1;
      canvas.strokeStyle = "#000000";
      canvas.stroke();
    }
  }
}

/** A chain of which a new shape is made. */
export abstract class MakingTool extends ChainTool {
  protected abstract whole(points: Flat): Shape;

  protected override complete(draft: ChainDraft): void {
    this.finishWith(this.whole(draft.points));
  }

  protected override shape({ points }: ChainDraft, p: Point): Shape | null {
    const all = [...points, p.x, p.y];
    return all.length >= 2 * this.least ? this.whole(all) : null;
  }
}

/** A new polygon; begun with Alt on a selected one it cuts a hole into it, begun with Shift it adds a part. */
class PolygonTool extends MakingTool {
  private into: { id: number; hole: boolean; part: number } | null = null;

  override hint(): string {
    if (this.into) return this.into.hole ? "Drawing a hole: Enter cuts it out" : "Drawing another part: Enter adds it";
    const only = this.desk.selected.size === 1 && !this.draft;
    return only ? "Click point after point, or drag. Alt in the selected polygon: a hole, Shift: another part" : super.hint();
  }

  protected override begin(p: Pointer): ChainDraft {
    this.into = p.alt || p.shift ? this.target(p) : null;
    return super.begin(p);
  }

  private target(p: Pointer): PolygonTool["into"] {
    const [id] = this.desk.selected;
    const shape = this.desk.selected.size === 1 && this.desk.editable(id) ? this.desk.shapeOf(id) : null;
    if (shape?.type !== "polygon") return null;
    const part = shape.parts.findIndex((rings) => inParts(p, [rings]));
    return p.alt && part < 0 ? null : { id, hole: p.alt, part };
  }

  protected override closes(p: Pointer): boolean {
    const points = this.draft?.points ?? [];
    return points.length >= 6 && distance(pointAt(points, 0), p, this.desk.metric) < CLOSE;
  }

  protected whole(points: Flat): Shape {
    return polygonOf(points);
  }

  protected override complete(draft: ChainDraft): void {
    const { into } = this;
    const shape = into && this.desk.shapeOf(into.id);
    this.into = null;
    if (!into || shape?.type !== "polygon") return super.complete(draft);
    const parts = into.hole ? shape.parts.with(into.part, [...shape.parts[into.part], draft.points]) : [...shape.parts, [draft.points]];
    this.draft = null;
    this.desk.update(new Map([[into.id, { type: "polygon", parts }]]));
    this.desk.redraw();
  }

  override kept(): (() => void) | null {
    const { into } = this;
    const again = super.kept();
    return again && ((): void => {
      this.into = into;
      again();
    });
  }

  override cancel(): boolean {
    this.into = null;
    return super.cancel();
  }
}

class LineTool extends MakingTool {
  protected override readonly least = 2;

  protected whole(points: Flat): Shape {
    return { type: "polyline", points };
  }
}

class LandmarksTool extends MakingTool {
  protected override readonly least = 1;
  protected override readonly freehand = false;

  override hint(): string {
    return this.draft ? `Click landmark ${this.draft.points.length / 2 + 1}, Enter to finish` : "Click the landmarks in the order of their numbers";
  }

  protected whole(points: Flat): Shape {
    return { type: "landmarks", points, labels: Array.from({ length: points.length / 2 }, (_, i) => i + 1) };
  }

  override draw(canvas: CanvasRenderingContext2D, view: View): void {
    Drawing.prototype.draw.call(this, canvas, view);
  }
}

export const polygonTool: ToolSpec = { id: "polygon", label: "Polygon", icon: "pentagon", kind: "polygon", make: (desk: Desk) => new PolygonTool(desk) };

export const lineTool: ToolSpec = { id: "polyline", label: "Line", icon: "line", kind: "polyline", make: (desk: Desk) => new LineTool(desk) };

export const landmarksTool: ToolSpec = { id: "landmarks", label: "Landmarks", icon: "landmarks", kind: "landmarks", make: (desk: Desk) => new LandmarksTool(desk) };
