// Turned boxes: first one side, from corner to corner, then how far the box reaches from it.

import type { Shape } from "../geometry/kinds.ts";
import { type Point, clamp01, distance } from "../geometry/plane.ts";
import { orientedFrom } from "../shapes/oriented.ts";
import { Drawing } from "./drawing.ts";
import { CLICK, type Desk, type Pointer, type ToolSpec } from "./tool.ts";

interface SideDraft {
  start: Point;
  end: Point | null;
  pressed: boolean;
  /** Pressed for the next step; it counts when let go. */
  next?: boolean;
}

class OrientedTool extends Drawing<SideDraft> {
  get state(): string {
    return !this.draft ? "idle" : this.draft.end ? "depth" : "side";
  }

  hint(): string {
    const hints: Record<string, string> = { idle: "Drag or click along one side", side: "Click the end of the side", depth: "Click how far the box reaches" };
    return hints[this.state];
  }

  down(p: Pointer): void {
    this.last = p;
    if (!this.draft) this.draft = { start: this.place(p), end: null, pressed: true };
    else this.draft.next = true;
  }

  retract(): void {
    if (this.draft?.next) this.draft.next = false;
    else this.cancel();
  }

  up(p: Pointer): void {
    if (this.draft?.next) {
      this.draft.next = false;
      if (this.draft.end) return this.finishWith(this.shape(this.draft, p));
      this.draft.end = this.place(p);
      return;
    }
    if (!this.draft?.pressed) return;
    this.draft.pressed = false;
    if (distance(this.draft.start, p, this.desk.metric) >= CLICK) this.draft.end = this.place(p);
  }

  protected shape({ start, end }: SideDraft, p: Point): Shape | null {
    const m = this.desk.metric;
    const to = end ?? p;
    const [dx, dy] = [(to.x - start.x) * m.x, (to.y - start.y) * m.y];
    const length = Math.hypot(dx, dy);
    if (length < 1) return null;
    // Signed distance of the pointer from the side, along the side's normal.
    const depth = end ? (dx * (p.y - start.y) * m.y - dy * (p.x - start.x) * m.x) / length : 0;
    return end && Math.abs(depth) < 1 ? null : { type: "oriented_rectangle", points: orientedFrom(start, to, depth, m).map(clamp01) };
  }
}

export const orientedTool: ToolSpec = { id: "oriented_rectangle", label: "Oriented rectangle", icon: "diamond", kind: "oriented_rectangle", make: (desk: Desk) => new OrientedTool(desk) };
