// A model of the user's, asked about a box (drag) or a point (click); what it finds becomes objects, marked as a model's.

import { type Shape } from "../geometry/kinds.ts";
import { type Point, distance, inside } from "../geometry/plane.ts";
import type { View } from "../shapes/kind.ts";
import { rectangleOf } from "../shapes/rectangle.ts";
import type { Model, Question } from "../store/help.ts";
import { Asking } from "./asking.ts";
import { BoxTool, type BoxDraft } from "./boxes.ts";
import { CLICK, type Desk, type Pointer, type ToolSpec, sketch } from "./tool.ts";

class ModelTool extends BoxTool {
  private readonly asking: Asking;
  private asked: Question | null = null;

  constructor(desk: Desk) {
    super(desk);
    this.asking = new Asking(desk);
  }

  private model(ask: Question["ask"]): Model | undefined {
    return this.desk.modelFor(ask);
  }

  override get state(): string {
    return this.asking.busy ? "looking" : super.state;
  }

  override hint(): string {
    if (this.asking.busy) return "The model is looking… Esc cancels";
    const [box, point] = [this.model("box"), this.model("point")];
    return [box && `Drag a box for ${box.name}`, point && `click a thing for ${point.name}`].filter(Boolean).join(", or ");
  }

  override cursor(): string {
    return this.asking.busy ? "progress" : "crosshair";
  }

  override down(p: Pointer): void {
    if (this.asking.busy) return this.desk.say("The model is still looking; Esc cancels");
    super.down(p);
  }

  override up(p: Pointer): void {
    const click = this.draft?.pressed && distance(this.draft.start, p, this.desk.metric) < CLICK;
    if (!click || !this.model("point")) return super.up(p);
    this.draft = null;
    const at = inside(p);
    this.ask({ ask: "point", frame: this.desk.frame, point: [at.x, at.y] });
  }

  protected shape(draft: BoxDraft, p: Point): Shape {
    return rectangleOf(this.box(draft, p));
  }

  protected override finishWith(shape: Shape | null): void {
    this.draft = null;
    this.desk.redraw();
    if (shape?.type === "rectangle") this.ask({ ask: "box", frame: this.desk.frame, box: shape.box });
  }

  private ask(question: Question): void {
    const model = this.model(question.ask);
    if (!model) return this.desk.say("No model of this project can be asked about a box");
    this.asked = question;
    this.asking.ask(
      (signal) => this.desk.help.model(model.uid, { ...question, class: this.desk.classInHand?.name }, signal),
      ({ objects, refused }) => {
        this.asked = null;
        this.desk.take(objects);
        if (refused.length) this.desk.say(refused[0].message);
        else if (!objects.length) this.desk.say(`${model.name} found nothing there`);
      },
      () => (this.asked = null),
    );
    this.desk.redraw();
  }

  override cancel(): boolean {
    const had = this.asking.cancel();
    this.asked = null;
    return super.cancel() || had;
  }

  override draw(canvas: CanvasRenderingContext2D, view: View): void {
    super.draw(canvas, view);
    const { asked } = this;
    if (!asked) return;
    canvas.beginPath();
    if (asked.box) canvas.rect(view.x(asked.box[0]), view.y(asked.box[1]), view.x(asked.box[2]) - view.x(asked.box[0]), view.y(asked.box[3]) - view.y(asked.box[1]));
    else canvas.arc(view.x(asked.point![0]), view.y(asked.point![1]), 8, 0, 2 * Math.PI);
    sketch(canvas, "#ffffff");
  }
}

export const modelTool: ToolSpec = { id: "model", label: "Ask a model", icon: "sparkles", kind: "rectangle", also: ["mask", "polygon", "oriented_rectangle", "polyline", "point", "landmarks", "skeleton", "cuboid"], needs: "model", make: (desk: Desk) => new ModelTool(desk) };
