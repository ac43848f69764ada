// Pixels by outline: click or drag around an area to add it to a mask, with Alt to take it away. And the bucket, which
// fills a hole or an enclosed gap with one click.

import { withPixels } from "../geometry/areas.ts";
import type { Mask, Shape } from "../geometry/kinds.ts";
import { type Flat, type Point, distance, pointAt } from "../geometry/plane.ts";
import { maskOfSpans, merged, region, spansOf, spansOfParts } from "../geometry/spans.ts";
import { polygonOf } from "../shapes/polygon.ts";
import { MakingTool } from "./chain.ts";
import type { Desk, Pointer, Tool, ToolSpec } from "./tool.ts";

/** The one selected mask that may be changed. */
export function maskInHand(desk: Desk): { id: number; mask: Mask } | null {
  const [id] = desk.selected;
  const shape = desk.selected.size === 1 && desk.editable(id) ? desk.shapeOf(id) : null;
  return shape?.type === "mask" ? { id, mask: shape } : null;
}

class AreaTool extends MakingTool {
  private removes = false;

  override hint(): string {
    if (this.draft) return this.removes ? "Enter takes the area away" : super.hint();
    return maskInHand(this.desk) ? "Outline what to add to the selected mask; begin with Alt to take away" : "Outline a new mask: click point after point, or drag";
  }

  protected override begin(p: Pointer): { points: Flat; pressed: boolean; freehand: number | null } {
    this.removes = p.alt && maskInHand(this.desk) !== null;
    return super.begin(p);
  }

  protected override closes(p: Pointer): boolean {
    const points = this.draft?.points ?? [];
    return points.length >= 6 && distance(pointAt(points, 0), p, this.desk.metric) < 10;
  }

  /** A lasso is closed where it is let go. */
  override up(p: Pointer): void {
    const dragged = this.draft?.freehand != null;
    super.up(p);
    if (dragged && this.draft) this.finish();
  }

  protected whole(points: Flat): Shape {
    return polygonOf(points);
  }

  protected override complete(draft: { points: Flat }): void {
    const target = maskInHand(this.desk);
    const size: [number, number] = target?.mask.size ?? [this.desk.size.x, this.desk.size.y];
    const area = maskOfSpans(spansOfParts([[draft.points]], size));
    this.draft = null;
    if (area && target) this.desk.update(new Map([[target.id, withPixels(target.mask, area, this.removes ? 0 : 1)]]));
    else if (area) this.desk.create(area);
    this.desk.redraw();
  }
}

class FillTool implements Tool {
  private pressed = false;

  constructor(private readonly desk: Desk) {}

  get state(): string {
    return this.pressed ? "pressed" : "idle";
  }

  hint(): string {
    return maskInHand(this.desk) ? "Click a hole in the selected mask to fill it; with Alt, a part of it to clear it" : "Select a mask to fill its holes";
  }

  cursor(): string {
    return "cell";
  }

  down(): void {
    // A click counts when it is let go, so that Esc can still take it back.
    this.pressed = true;
  }

  move(): void {
    this.desk.redraw();
  }

  up(p: Pointer): void {
    const target = maskInHand(this.desk);
    if (!this.pressed) return;
    this.pressed = false;
    if (!target) return this.desk.say("Select a mask first");
    const filled = flooded(target.mask, p, p.alt ? 0 : 1);
    if (filled === undefined) return this.desk.say("This gap is open to the picture's border");
    this.desk.update(new Map([[target.id, filled]]));
  }

  cancel(): boolean {
    const had = this.pressed;
    this.pressed = false;
    return had;
  }

  draw(): void {
    // Nothing of its own.
  }
}

/** The mask with the region around `p` set or cleared; undefined when setting would run out of the mask's own box. */
function flooded(mask: Mask, p: Point, value: 0 | 1): Mask | null | undefined {
  const [x, y] = [Math.floor(p.x * mask.size[0]), Math.floor(p.y * mask.size[1])];
  const found = region(mask, x, y, value);
  if (!found) return mask;
  return value === 1 && found.open ? undefined : maskOfSpans(merged(spansOf(mask), found.spans, value));
}

export const areaTool: ToolSpec = { id: "area", label: "Lasso", icon: "lasso", kind: "mask", make: (desk: Desk) => new AreaTool(desk) };

export const fillTool: ToolSpec = { id: "fill", label: "Fill", icon: "bucket", kind: "mask", make: (desk: Desk) => new FillTool(desk) };
