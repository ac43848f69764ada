// An outline that follows edges: click along the thing, or drag around it; between places the server finds the way. With
// Alt the line goes straight; where no answer comes it goes straight, too, so that nobody is held up.

import { type Flat, type Point, distance, inside, pointAt } from "../geometry/plane.ts";
import { simplifyRing } from "../geometry/polygon.ts";
import { line, type View } from "../shapes/kind.ts";
import { polygonOf } from "../shapes/polygon.ts";
import { Asking } from "./asking.ts";
import { type Desk, type Pointer, type Tool, type ToolSpec, SKETCH, sketch } from "./tool.ts";

interface Draft {
  points: Flat;
  /** How long `points` was when each place was fixed: what Backspace goes back to. */
  marks: number[];
  /** The way to the pointer, as far as it is known. */
  live: Flat;
}

interface Step {
  to: Point;
  straight: boolean;
  /** Back to the first point, which ends the outline. */
  closes: boolean;
}

const CLOSE = 10;
/** Screen pixels after which a drag fixes what it has followed. */
const STRETCH = 70;

class OutlineTool implements Tool {
  private draft: Draft | null = null;
  private last: Pointer | null = null;
  private pressed = false;
  private dragged = false;
  /** How many places there were before the pointer was pressed; -1: none, not even the first. */
  private before = -1;
  private readonly steps: Step[] = [];
  private readonly fixing: Asking;
  private readonly looking: Asking;
  private asked: Point | null = null;

  constructor(private readonly desk: Desk) {
    this.fixing = new Asking(desk);
    this.looking = new Asking(desk);
  }

  get state(): string {
    return !this.draft ? "idle" : this.fixing.busy ? "looking" : this.pressed && this.dragged ? "following" : "points";
  }

  hint(): string {
    if (this.fixing.busy) return "Looking for the edge… Esc cancels";
    return this.draft ? "Click along the edge, Enter closes the outline, Backspace goes back a piece, Alt: straight" : "Click at the edge of a thing, or drag along it: the outline follows the edge";
  }

  cursor(): string {
    return this.fixing.busy ? "progress" : "crosshair";
  }

  private get places(): number {
    return (this.draft?.marks.length ?? 0) + this.steps.length;
  }

  retract(): void {
    this.pressed = this.dragged = false;
    if (this.before < 0) this.cancel();
    while (this.draft && this.places > Math.max(0, this.before)) this.back();
  }

  private get end(): Point {
    const { points } = this.draft!;
    return pointAt(points, points.length / 2 - 1);
  }

  down(p: Pointer): void {
    this.last = p;
    this.pressed = true;
    this.dragged = false;
    this.before = this.draft ? this.places : -1;
    const place = inside(p);
    if (!this.draft) {
      this.draft = { points: [place.x, place.y], marks: [], live: [] };
      return this.desk.redraw();
    }
    if (this.closes(p)) return this.step({ to: pointAt(this.draft.points, 0), straight: p.alt, closes: true });
    const before = this.steps.at(-1)?.to ?? this.end;
    if (distance(before, place, this.desk.metric) >= 2) this.step({ to: place, straight: p.alt, closes: false });
  }

  move(p: Pointer): void {
    this.last = p;
    if (this.draft && this.pressed && distance(this.end, p, this.desk.metric) > STRETCH && !this.fixing.busy) {
      this.dragged = true;
      this.step({ to: inside(p), straight: p.alt, closes: false });
    } else this.look();
    this.desk.redraw();
  }

  up(p: Pointer): void {
    this.last = p;
    this.pressed = false;
    if (!this.draft || !this.dragged) return;
    this.dragged = false;
    const closes = this.closes(p);
    this.step({ to: closes ? pointAt(this.draft.points, 0) : inside(p), straight: p.alt, closes });
  }

  double(): void {
    this.finish();
  }

  /** Closes the outline along the edge between its end and its beginning. */
  finish(): void {
    if (!this.draft || this.steps.some((s) => s.closes)) return;
    if (!this.draft.marks.length && !this.steps.length) return this.desk.say("At least 2 more places are needed");
    this.step({ to: pointAt(this.draft.points, 0), straight: this.last?.alt ?? false, closes: true });
  }

  back(): boolean {
    if (!this.draft) return false;
    this.fixing.cancel();
    if (this.steps.length) this.steps.length = 0;
    else {
      const mark = this.draft.marks.pop();
      if (mark === undefined) this.draft = null;
      else this.draft.points.length = mark;
    }
    if (this.draft) this.draft.live = [];
    this.desk.changedState();
    return true;
  }

  cancel(): boolean {
    const had = this.draft !== null;
    this.fixing.cancel();
    this.looking.cancel();
    this.draft = this.asked = null;
    this.steps.length = 0;
    this.pressed = this.dragged = false;
    this.desk.redraw();
    return had;
  }

  private closes(p: Point): boolean {
    return !!this.draft && this.draft.marks.length >= 2 && distance(pointAt(this.draft.points, 0), p, this.desk.metric) < CLOSE;
  }

  /** Does the steps that were asked for, one after another. */
  private step(step: Step): void {
    this.steps.push(step);
    if (!this.fixing.busy) this.next();
  }

  private next(): void {
    const step = this.steps[0];
    if (!step || !this.draft) return;
    this.looking.cancel();
    if (step.straight) return this.fix(step, [step.to.x, step.to.y]);
    const from = this.end;
    this.fixing.ask(
      (signal) => this.desk.help.outline(this.desk.frame, from, step.to, !step.closes, signal),
      (found) => this.fix(step, found.slice(2)),
      () => this.fix(step, [step.to.x, step.to.y]),
    );
  }

  private fix(step: Step, way: Flat): void {
    const { draft } = this;
    if (!draft) return;
    this.steps.shift();
    draft.marks.push(draft.points.length);
    draft.points.push(...way);
    draft.live = [];
    this.asked = null;
    if (step.closes) return this.complete(draft);
    this.desk.redraw();
    // After the question that brought this answer is settled.
    queueMicrotask(() => this.fixing.busy || this.next());
  }

  private complete({ points }: Draft): void {
    this.cancel();
    const { size } = this.desk;
    const ring = simplifyRing(points.slice(0, -2), 0.6, size);
    if (ring.length < 6) return this.desk.say("This outline has no area");
    this.desk.create(polygonOf(ring));
  }

  /** Asks for the way to the pointer; when it has moved on meanwhile, asks again. */
  private look(): void {
    const { draft, last } = this;
    if (!draft || !last || last.alt || this.looking.busy || this.fixing.busy) return;
    const goal = inside(last);
    if (this.asked && distance(this.asked, goal, this.desk.metric) < 2) return;
    this.asked = goal;
    const from = this.end;
    this.looking.ask(
      (signal) => this.desk.help.outline(this.desk.frame, from, goal, true, signal).catch(() => [] as Flat),
      (found) => {
        if (this.draft) this.draft.live = found;
        this.desk.redraw();
        queueMicrotask(() => this.look());
      },
    );
  }

  draw(canvas: CanvasRenderingContext2D, view: View): void {
    const { draft, last } = this;
    if (!draft) return;
    const color = this.desk.classInHand?.color ?? SKETCH;
    const to = last && inside(last);
    const live = last?.alt || draft.live.length < 4 ? (to ? [to.x, to.y] : []) : draft.live.slice(2);
    canvas.beginPath();
    line(canvas, view, [...draft.points, ...live], false);
    sketch(canvas, color);
    for (const at of [0, ...draft.marks.slice(1), draft.points.length - 2]) {
      canvas.beginPath();
      const closing = at === 0 && last !== null && this.closes(last);
      canvas.arc(view.x(draft.points[at]), view.y(draft.points[at + 1]), closing ? 7 : 3.5, 0, 2 * Math.PI);
      canvas.fillStyle = "#ffffff";
      canvas.fill();
      canvas.lineWidth = 1;
      canvas.strokeStyle = "#000000";
      canvas.stroke();
    }
  }
}

export const outlineTool: ToolSpec = { id: "outline", label: "Smart outline", icon: "magnet", kind: "polygon", needs: "outline", make: (desk: Desk) => new OutlineTool(desk) };
