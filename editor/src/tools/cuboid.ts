// Cuboids: drag the front face, then move to where the back stands and click.

import type { Shape } from "../geometry/kinds.ts";
import { type Bounds, type Point, boxBetween, center, distance } from "../geometry/plane.ts";
import { cuboidOf } from "../shapes/cuboid.ts";
import { Drawing } from "./drawing.ts";
import { CLICK, type Desk, type Pointer, type ToolSpec } from "./tool.ts";

interface CuboidDraft {
  start: Point;
  front: Bounds | null;
  pressed: boolean;
  /** Pressed for the next step; it counts when let go. */
  next?: boolean;
}

class CuboidTool extends Drawing<CuboidDraft> {
  get state(): string {
    return !this.draft ? "idle" : this.draft.front ? "back" : "front";
  }

  hint(): string {
    const hints: Record<string, string> = { idle: "Drag the front face", front: "Click the opposite corner of the front face", back: "Move to the middle of the back face and click" };
    return hints[this.state];
  }

  down(p: Pointer): void {
    this.last = p;
    if (!this.draft) this.draft = { start: this.place(p), front: null, pressed: true };
    else this.draft.next = true;
  }

  retract(): void {
    if (this.draft?.next) this.draft.next = false;
    else this.cancel();
  }

  up(p: Pointer): void {
    if (this.draft?.next) {
      this.draft.next = false;
      return this.draft.front ? this.finishWith(this.shape(this.draft, p)) : this.close(p);
    }
    if (!this.draft?.pressed) return;
    this.draft.pressed = false;
    if (distance(this.draft.start, p, this.desk.metric) >= CLICK) this.close(p);
  }

  private close(p: Pointer): void {
    const front = boxBetween(this.draft!.start, this.place(p));
    const m = this.desk.metric;
    if ((front.x2 - front.x1) * m.x < 3 || (front.y2 - front.y1) * m.y < 3) this.cancel();
    else this.draft!.front = front;
    this.desk.redraw();
  }

  protected shape({ start, front }: CuboidDraft, p: Point): Shape {
    if (!front) return cuboidOf(boxBetween(start, p), { x: 0, y: 0 }, 1);
    const c = center(front);
    return cuboidOf(front, { x: p.x - c.x, y: p.y - c.y });
  }
}

export const cuboidTool: ToolSpec = { id: "cuboid", label: "Cuboid", icon: "box", kind: "cuboid", make: (desk: Desk) => new CuboidTool(desk) };
