// Tools that start with a box: pressed and dragged, or one click at each corner. Shift keeps it square, Alt draws from
// the middle.

import type { Shape } from "../geometry/kinds.ts";
import { type Bounds, type Point, boxBetween, clamp01, distance, inside } from "../geometry/plane.ts";
import { rectangleOf } from "../shapes/rectangle.ts";
import { skeletonIn } from "../shapes/skeleton.ts";
import { Drawing } from "./drawing.ts";
import { CLICK, type Desk, type Pointer, type ToolSpec } from "./tool.ts";

export interface BoxDraft {
  start: Point;
  /** Pressed and not yet let go, or waiting for the second click. */
  pressed: boolean;
  /** Pressed at the second corner; it counts when let go. */
  ends?: boolean;
}

const LEAST = 3;

export abstract class BoxTool extends Drawing<BoxDraft> {
  get state(): string {
    return !this.draft ? "idle" : this.draft.pressed ? "dragging" : "second corner";
  }

  hint(): string {
    return this.draft ? "Click the opposite corner. Shift: square, Alt: from the middle, Esc: cancel" : "Drag a box, or click two corners";
  }

  down(p: Pointer): void {
    this.last = p;
    if (this.draft) this.draft.ends = true;
    else this.draft = { start: this.place(p), pressed: true };
  }

  up(p: Pointer): void {
    if (this.draft?.ends) return this.done(p);
    if (!this.draft?.pressed) return;
    if (distance(this.draft.start, p, this.desk.metric) < CLICK) this.draft.pressed = false;
    else this.done(p);
  }

  retract(): void {
    if (this.draft?.ends) this.draft.ends = false;
    else this.cancel();
  }

  private done(p: Pointer): void {
    const b = this.box(this.draft!, p);
    const m = this.desk.metric;
    const large = (b.x2 - b.x1) * m.x >= LEAST && (b.y2 - b.y1) * m.y >= LEAST;
    this.finishWith(large ? this.shape(this.draft!, p) : null);
  }

  protected box({ start }: BoxDraft, p: Point): Bounds {
    let end = this.last && !this.last.alt ? inside(this.desk.snap(p)) : inside(p);
    if (this.last?.shift) {
      const m = this.desk.metric;
      const side = Math.max(Math.abs(end.x - start.x) * m.x, Math.abs(end.y - start.y) * m.y);
      end = inside({ x: start.x + (Math.sign(end.x - start.x) * side) / m.x, y: start.y + (Math.sign(end.y - start.y) * side) / m.y });
    }
    if (!this.last?.alt) return boxBetween(start, end);
    return boxBetween({ x: clamp01(2 * start.x - end.x), y: clamp01(2 * start.y - end.y) }, end);
  }
}

class RectangleTool extends BoxTool {
  protected shape(draft: BoxDraft, p: Point): Shape {
    return rectangleOf(this.box(draft, p));
  }
}

class SkeletonTool extends BoxTool {
  override hint(): string {
    return this.desk.classInHand?.skeleton ? super.hint() : "This class has no skeleton template; choose one that has";
  }

  protected shape(draft: BoxDraft, p: Point): Shape | null {
    const template = this.desk.classInHand?.skeleton;
    return template ? skeletonIn(template, this.box(draft, p)) : null;
  }
}

export const rectangleTool: ToolSpec = { id: "rectangle", label: "Rectangle", icon: "square", kind: "rectangle", make: (desk: Desk) => new RectangleTool(desk) };

export const skeletonTool: ToolSpec = { id: "skeleton", label: "Skeleton", icon: "person", kind: "skeleton", make: (desk: Desk) => new SkeletonTool(desk) };
