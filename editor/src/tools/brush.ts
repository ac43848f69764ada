// Brush and eraser: strokes on the selected mask, or on a new one when none is selected.

import type { Mask } from "../geometry/kinds.ts";
import type { Flat } from "../geometry/plane.ts";
import { maskOfSpans, merged, noSpans, spansOf, stroked } from "../geometry/spans.ts";
import { line, type View } from "../shapes/kind.ts";
import { maskInHand } from "./area.ts";
import type { Desk, Pointer, Tool, ToolSpec } from "./tool.ts";

class BrushTool implements Tool {
  private points: Flat | null = null;
  /** The brush's size at each of `points`, as a share of the whole: a pen pressed lightly draws thinly. */
  private shares: number[] = [];
  private target: number | null = null;
  private last: Pointer | null = null;
  private erasing: boolean;

  constructor(
    private readonly desk: Desk,
    private readonly erases: boolean,
  ) {
    this.erasing = erases;
  }

  get state(): string {
    return this.points ? (this.erasing ? "erasing" : "painting") : "idle";
  }

  hint(): string {
    if (this.erases) return "Drag over what is to go. [ and ] change the size";
    const painted = this.maskInHand() !== null;
    return `Drag to paint ${painted ? "the selected mask" : "a new mask"}. Alt erases, [ and ] change the size${painted ? ", Enter: next object" : ""}`;
  }

  cursor(): string {
    return "none";
  }

  private maskInHand(): number | null {
    return maskInHand(this.desk)?.id ?? null;
  }

  down(p: Pointer): void {
    this.last = p;
    this.erasing = this.erases || p.alt;
    this.target = this.maskInHand();
    if (this.target === null && this.erasing) return this.desk.say("Select a mask to erase from");
    this.points = [p.x, p.y];
    this.shares = [share(p)];
    // What the eraser goes over must vanish at once.
    if (this.target !== null && this.erasing) this.desk.preview(new Map([[this.target, this.desk.shapeOf(this.target)]]));
    this.desk.redraw();
  }

  move(p: Pointer): void {
    this.last = p;
    if (this.points) {
      this.points.push(p.x, p.y);
      this.shares.push(share(p));
    }
    this.desk.redraw();
  }

  up(_p: Pointer): void {
    const { points, target } = this;
    if (!points) return;
    this.points = null;
    this.desk.preview(null);
    const mask = this.stroked(points, target);
    if (target !== null) this.desk.update(new Map([[target, mask]]));
    else if (mask) this.desk.create(mask);
    this.desk.redraw();
  }

  /** The target's mask with the stroke added or taken away; null when nothing of it remains. */
  private stroked(points: Flat, target: number | null): Mask | null {
    const before = target === null ? null : (this.desk.shapeOf(target) as Mask);
    const size: [number, number] = before?.size ?? [this.desk.size.x, this.desk.size.y];
    const [w, h] = size;
    const radius = (this.desk.brush * w) / this.desk.size.x;
    const path = points.map((v, i) => v * (i % 2 ? h : w));
    const strokes = stroked(path, this.shares.map((share) => radius * share), size);
    return maskOfSpans(merged(before ? spansOf(before) : noSpans(size), strokes, this.erasing ? 0 : 1));
  }

  finish(): void {
    this.desk.select([]);
  }

  cancel(): boolean {
    const had = this.points !== null;
    this.points = null;
    if (had) this.desk.preview(null);
    this.desk.redraw();
    return had;
  }

  draw(canvas: CanvasRenderingContext2D, view: View): void {
    const radius = (this.desk.brush / this.desk.size.x) * this.desk.metric.x;
    if (this.points) this.drawStroke(canvas, view, radius);
    if (!this.last) return;
    canvas.beginPath();
    canvas.arc(view.x(this.last.x), view.y(this.last.y), radius * share(this.last), 0, 2 * Math.PI);
    canvas.setLineDash(this.erases || this.last.alt ? [4, 3] : []);
    canvas.lineWidth = 3;
    canvas.strokeStyle = "#00000090";
    canvas.stroke();
    canvas.lineWidth = 1;
    canvas.strokeStyle = "#ffffff";
    canvas.stroke();
    canvas.setLineDash([]);
  }

  private drawStroke(canvas: CanvasRenderingContext2D, view: View, radius: number): void {
    canvas.save();
    const points = this.points!.length === 2 ? [...this.points!, this.points![0] + 1e-6, this.points![1]] : this.points!;
    canvas.lineCap = canvas.lineJoin = "round";
    // One line where the size is the same all along; else one for each stretch.
    const { shares } = this;
    const even = shares.every((one) => one === shares[0]);
    const stretches = even ? [points] : Array.from({ length: points.length / 2 - 1 }, (_, i) => points.slice(2 * i, 2 * i + 4));
    stretches.forEach((stretch, i) => this.ink(canvas, view, stretch, 2 * radius * (even ? shares[0] : shares[i + 1])));
    canvas.restore();
  }

  /** What is under the line is taken out first, so that overlapping colour does not get darker. */
  private ink(canvas: CanvasRenderingContext2D, view: View, points: Flat, width: number): void {
    canvas.beginPath();
    line(canvas, view, points, false);
    canvas.lineWidth = width;
    canvas.globalCompositeOperation = "destination-out";
    canvas.strokeStyle = "#000000";
    canvas.stroke();
    if (this.erasing) return;
    canvas.globalCompositeOperation = "source-over";
    canvas.strokeStyle = `${this.desk.classInHand?.color ?? "#ffffff"}80`;
    canvas.stroke();
  }
}

/** How much of the brush a pen pressed like this draws with: all of it when pressed hard, and with a mouse. */
const LEAST = 0.15;
const share = ({ pressure }: Pointer): number => (pressure === undefined ? 1 : LEAST + (1 - LEAST) * pressure);

export const brushTool: ToolSpec = { id: "brush", label: "Brush", icon: "brush", kind: "mask", make: (desk: Desk) => new BrushTool(desk, false) };

export const eraserTool: ToolSpec = { id: "eraser", label: "Eraser", icon: "eraser", kind: "mask", make: (desk: Desk) => new BrushTool(desk, true) };
