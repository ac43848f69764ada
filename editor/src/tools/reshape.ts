// A piece of a polygon's or a line's outline drawn anew: begun on the outline, ended on it. A line may also end elsewhere,
// which draws it on from its end.

import type { Polygon, Polyline, Shape } from "../geometry/kinds.ts";
import { type Flat, type Point, distance } from "../geometry/plane.ts";
import { type Place, lineRedrawn, placeOn, ringRedrawn } from "../geometry/reshape.ts";
import { ChainTool, type ChainDraft } from "./chain.ts";
import type { Desk, Pointer, ToolSpec } from "./tool.ts";

const REACH = 10;

/** The outline in hand. `ring`: of a polygon, which part's and which of its rings. */
interface Target {
  id: number;
  ring: [number, number] | null;
  from: Place;
}

class ReshapeTool extends ChainTool {
  protected override readonly least = 1;
  private target: Target | null = null;

  override hint(): string {
    if (!this.draft) return "Press on the outline of a polygon or a line and draw a piece of it anew";
    const line = this.target?.ring ? "" : ", Enter: a line ends here";
    return `Come back to the outline${line}. Shift replaces the longer piece, Esc cancels`;
  }

  override down(p: Pointer): void {
    if (!this.draft) {
      this.target = this.find(p);
      if (!this.target) return this.desk.say("Begin on the outline of a polygon or a line");
      this.desk.select([this.target.id]);
    }
    super.down(p);
  }

  /** The outline under the pointer: of what is selected, else of what a click would mean. */
  private find(p: Pointer): Target | null {
    for (const id of [...this.desk.selected, this.desk.pick(p)]) {
      if (id === null || !this.desk.editable(id)) continue;
      for (const [ring, points] of outlines(this.desk.shapeOf(id))) {
        const from = placeOn(points, ring !== null, p, this.desk.metric, REACH);
        if (from) return { id, ring, from };
      }
    }
    return null;
  }

  private get shapeInHand(): Polygon | Polyline | null {
    const shape = this.target && this.desk.shapeOf(this.target.id);
    return shape?.type === "polygon" || shape?.type === "polyline" ? shape : null;
  }

  /** Where the pointer is on the outline in hand. */
  private on(p: Point): Place | null {
    const { target, shapeInHand: shape } = this;
    if (!target || !shape) return null;
    return placeOn(outline(shape, target.ring), target.ring !== null, p, this.desk.metric, REACH);
  }

  protected override place(p: Pointer): Point {
    // Freehand, what is near the outline stays where it was drawn.
    const free = this.draft?.freehand != null;
    return (free ? null : this.on(p)?.point) ?? super.place(p);
  }

  /** Back on the outline, away from where it began; drawn freehand, only at the end. */
  protected override closes(p: Pointer): boolean {
    const { draft, target } = this;
    if (!draft || !target || draft.points.length < 2 || this.on(p) === null) return false;
    return draft.points.length > 4 || distance(target.from.point, p, this.desk.metric) > REACH;
  }

  protected override complete(draft: ChainDraft): void {
    const { target, last, shapeInHand: shape } = this;
    const to = last && this.closes(last) ? this.on(last) : null;
    if (!target || !shape) return void this.cancel();
    if (target.ring && !to) return this.desk.say("End it on the outline");
    const redrawn = this.redrawn(draft.points, to);
    if (!redrawn) return;
    this.draft = this.target = null;
    this.desk.update(new Map([[target.id, redrawn]]));
    this.desk.redraw();
  }

  private redrawn(points: Flat, to: Place | null): Shape | null {
    const { target, shapeInHand: shape } = this;
    if (!target || !shape || (target.ring && !to)) return null;
    const [m, path, longer] = [this.desk.metric, points.slice(2), !!this.last?.shift];
    if (shape.type === "polyline") return { type: "polyline", points: lineRedrawn(shape.points, target.from, path, to, m, longer) };
    const [part, ring] = target.ring!;
    const drawn = ringRedrawn(shape.parts[part][ring], target.from, path, to!, m, longer);
    return drawn.length < 6 ? null : { type: "polygon", parts: shape.parts.with(part, shape.parts[part].with(ring, drawn)) };
  }

  protected override shape({ points }: ChainDraft, p: Point): Shape | null {
    const to = this.on(p);
    return this.redrawn(to ? points : [...points, p.x, p.y], to);
  }

  override kept(): (() => void) | null {
    const { target } = this;
    const again = super.kept();
    return again && ((): void => {
      this.target = target;
      again();
    });
  }

  override retract(): void {
    super.retract();
    if (!this.draft) this.target = null;
  }

  override cancel(): boolean {
    this.target = null;
    return super.cancel();
  }
}

const outline = (shape: Polygon | Polyline, ring: Target["ring"]): Flat => (shape.type === "polygon" ? shape.parts[ring![0]][ring![1]] : shape.points);

/** All outlines of a shape, with where they stand in it. */
function outlines(shape: Shape | null): [Target["ring"], Flat][] {
  if (shape?.type === "polyline") return [[null, shape.points]];
  if (shape?.type !== "polygon") return [];
  return shape.parts.flatMap((rings, part) => rings.map((points, ring): [Target["ring"], Flat] => [[part, ring], points]));
}

export const reshapeTool: ToolSpec = { id: "reshape", label: "Redraw an outline", icon: "reshape", kind: null, changes: ["polygon", "polyline"], make: (desk: Desk) => new ReshapeTool(desk) };
