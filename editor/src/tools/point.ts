// Single points: one click each.

import type { Shape } from "../geometry/kinds.ts";
import type { Point } from "../geometry/plane.ts";
import { Drawing } from "./drawing.ts";
import type { Desk, Pointer, ToolSpec } from "./tool.ts";

class PointTool extends Drawing<Point> {
  get state(): string {
    return this.draft ? "pressed" : "idle";
  }

  hint(): string {
    return "Click to set a point";
  }

  down(p: Pointer): void {
    this.last = p;
    this.draft = this.place(p);
  }

  up(p: Pointer): void {
    if (this.draft) this.finishWith(this.shape(this.draft, this.place(p)));
  }

  protected shape(_draft: Point, p: Point): Shape {
    return { type: "point", points: [p.x, p.y] };
  }
}

export const pointTool: ToolSpec = { id: "point", label: "Point", icon: "point", kind: "point", make: (desk: Desk) => new PointTool(desk) };
