// The thing in a box: drag a box around it and its pixels are found. A click with Shift then takes in what was left out,
// one with Alt leaves out what was taken.

import type { Shape, ShapeType } from "../geometry/kinds.ts";
import { type Bounds, type Flat, type Point, distance } from "../geometry/plane.ts";
import type { View } from "../shapes/kind.ts";
import { rectangleOf } from "../shapes/rectangle.ts";
import { Asking } from "./asking.ts";
import { BoxTool, type BoxDraft } from "./boxes.ts";
import { CLICK, type Desk, type Pointer, type ToolSpec, sketch, SKETCH } from "./tool.ts";

const KINDS: readonly ShapeType[] = ["mask", "polygon"];

interface Made {
  id: number;
  box: Bounds;
  keep: Flat;
  drop: Flat;
}

class CutoutTool extends BoxTool {
  private readonly asking: Asking;
  private looked: Bounds | null = null;
  private made: Made | null = null;

  constructor(desk: Desk) {
    super(desk);
    this.asking = new Asking(desk);
  }

  override get state(): string {
    return this.asking.busy ? "looking" : super.state;
  }

  override hint(): string {
    if (this.asking.busy) return "Looking for the thing in the box… Esc cancels";
    return this.refinable ? "Shift click: this belongs to it, Alt click: this does not. Or drag a box around the next thing" : super.hint().replace("Drag a box", "Drag a box around a thing");
  }

  override cursor(): string {
    return this.asking.busy ? "progress" : "crosshair";
  }

  /** What was found last, while it alone is selected and may be changed. */
  private get refinable(): Made | null {
    const { made } = this;
    return made && this.desk.selected.size === 1 && this.desk.selected.has(made.id) && this.desk.editable(made.id) && this.desk.shapeOf(made.id) ? made : null;
  }

  override down(p: Pointer): void {
    if (this.asking.busy) return this.desk.say("Still looking; Esc cancels");
    super.down(p);
  }

  override up(p: Pointer): void {
    const made = this.refinable;
    const click = this.draft?.pressed && distance(this.draft.start, p, this.desk.metric) < CLICK;
    if (!click || !made || (!p.shift && !p.alt)) return super.up(p);
    this.draft = null;
    this.refine(made, p);
  }

  protected shape(draft: BoxDraft, p: Point): Shape {
    return rectangleOf(this.box(draft, p));
  }

  protected override finishWith(shape: Shape | null): void {
    this.draft = null;
    this.desk.redraw();
    if (shape?.type !== "rectangle") return;
    const [x1, y1, x2, y2] = shape.box;
    const kind = this.desk.kindFor(KINDS);
    if (kind) this.find({ id: 0, box: { x1, y1, x2, y2 }, keep: [], drop: [] }, kind);
  }

  private refine(made: Made, p: Pointer): void {
    const more = [p.x, p.y];
    const next = p.alt ? { ...made, drop: [...made.drop, ...more] } : { ...made, keep: [...made.keep, ...more], box: { x1: Math.min(made.box.x1, p.x), y1: Math.min(made.box.y1, p.y), x2: Math.max(made.box.x2, p.x), y2: Math.max(made.box.y2, p.y) } };
    this.find(next, this.desk.shapeOf(made.id)!.type);
  }

  private find(made: Made, kind: ShapeType): void {
    this.looked = made.box;
    this.asking.ask(
      (signal) => this.desk.help.cutout(this.desk.frame, made.box, made.keep, made.drop, kind, signal),
      (shape) => {
        this.looked = null;
        if (!made.id) {
          const id = this.desk.create(shape);
          this.made = id === null ? null : { ...made, id };
        } else if (this.desk.shapeOf(made.id)) {
          this.desk.update(new Map([[made.id, shape]]));
          this.made = made;
        }
        this.desk.redraw();
      },
      () => (this.looked = null),
    );
    this.desk.redraw();
  }

  finish(): void {
    this.made = null;
    this.desk.select([]);
  }

  override cancel(): boolean {
    const had = this.asking.cancel();
    this.looked = null;
    return super.cancel() || had;
  }

  override draw(canvas: CanvasRenderingContext2D, view: View): void {
    super.draw(canvas, view);
    const { looked } = this;
    if (!looked) return;
    canvas.beginPath();
    canvas.rect(view.x(looked.x1), view.y(looked.y1), view.x(looked.x2) - view.x(looked.x1), view.y(looked.y2) - view.y(looked.y1));
    sketch(canvas, this.desk.classInHand?.color ?? SKETCH);
  }
}

export const cutoutTool: ToolSpec = { id: "cutout", label: "Thing in a box", icon: "scissors", kind: "mask", also: ["polygon"], needs: "cutout", make: (desk: Desk) => new CutoutTool(desk) };
