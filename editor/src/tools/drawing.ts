// What all drawing tools share: a draft that is drawn, finished into one object, or cancelled without a trace.

import type { Shape } from "../geometry/kinds.ts";
import { type Point, inside } from "../geometry/plane.ts";
import type { View } from "../shapes/kind.ts";
import { kindOf } from "../shapes/index.ts";
import { type Desk, type Pointer, SKETCH, type Tool } from "./tool.ts";

export abstract class Drawing<Draft> implements Tool {
  protected draft: Draft | null = null;
  protected last: Pointer | null = null;

  constructor(protected readonly desk: Desk) {}

  abstract get state(): string;
  abstract hint(): string;
  abstract down(p: Pointer): void;
  abstract up(p: Pointer): void;
  /** The shape as it would be if finished with the pointer at `p`; null while there is not enough of it. */
  protected abstract shape(draft: Draft, p: Point): Shape | null;

  cursor(): string {
    return "crosshair";
  }

  move(p: Pointer): void {
    this.last = p;
    this.desk.redraw();
  }

  /** The pointer's place within the picture, snapped to neighbours unless Alt is held. */
  protected place(p: Pointer): Point {
    return p.alt ? inside(p) : inside(this.desk.snap(p));
  }

  protected finishWith(shape: Shape | null): void {
    this.draft = null;
    if (shape) this.desk.create(shape);
    this.desk.redraw();
  }

  cancel(): boolean {
    const had = this.draft !== null;
    this.draft = null;
    this.desk.redraw();
    return had;
  }

  draw(canvas: CanvasRenderingContext2D, view: View): void {
    if (!this.draft || !this.last) return;
    const shape = this.shape(this.draft, inside(this.last));
    if (!shape) return;
    const color = this.desk.classInHand?.color ?? SKETCH;
    const style = { color, opacity: 0.15, width: 2, active: true, template: this.desk.classInHand?.skeleton };
    kindOf(shape).draw(shape, canvas, view, { ...style, color: "#000000", opacity: 0, width: 4 });
    kindOf(shape).draw(shape, canvas, view, style);
  }
}
