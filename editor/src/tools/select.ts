// Selecting and changing: click, Shift-click, marquee; move objects; drag handles; remove vertices.

import type { Shape } from "../geometry/kinds.ts";
import { type Bounds, type Point, boxBetween, distance, stayInside, unionAll } from "../geometry/plane.ts";
import { boundsFor, kindOf } from "../shapes/index.ts";
import type { Handle, View } from "../shapes/kind.ts";
import { boxHandles, dragBox } from "../shapes/rectangle.ts";
import { CLICK, type Desk, type Pointer, type Tool, type ToolSpec } from "./tool.ts";

const GRAB = 8;
const TOUCH = 18;

type State =
  | { name: "idle" }
  | { name: "pressing"; at: Pointer; id: number; wasSelected: boolean }
  | { name: "moving"; from: Point; shapes: Map<number, Shape>; box: Bounds }
  | { name: "handle"; id: number; shape: Shape; handle: Handle; at: Pointer; moved: boolean }
  | { name: "group"; handle: Handle; shapes: Map<number, Shape>; box: Bounds }
  | { name: "marquee"; from: Point; to: Point; add: boolean };

class SelectTool implements Tool {
  private now: State = { name: "idle" };
  private over: Handle | null = null;
  private shown: ReadonlyMap<number, Shape | null> | null = null;
  private last: Pointer | null = null;

  constructor(private readonly desk: Desk) {}

  get state(): string {
    return this.now.name;
  }

  hint(): string {
    if (this.over?.role === "vertex" && this.overJoint()) return "Drag the joint. Alt-click: hidden, absent, visible again";
    if (this.over?.role === "vertex") return "Drag the point. Alt-click or Delete removes it";
    if (this.over?.role === "middle") return "Drag to add a point here";
    if (this.desk.selected.size > 1) return `${this.desk.selected.size} objects selected. Drag moves them all`;
    return this.desk.selected.size ? "Drag to move, drag a handle to change. Shift adds to the selection" : "Click an object, or drag a frame around several";
  }

  private overJoint(): boolean {
    return this.desk.selected.size === 1 && this.desk.shapeOf([...this.desk.selected][0])?.type === "skeleton";
  }

  cursor(): string {
    if (this.now.name === "moving") return "move";
    if (this.over) return this.over.cursor;
    return this.last && this.hovered(this.last) !== null ? "pointer" : "default";
  }

  private hovered(p: Point): number | null {
    return this.desk.pick(p);
  }

  down(p: Pointer): void {
    this.last = p;
    const grip = this.grip(p);
    if (grip) return this.grab(grip, p);
    const top = this.hovered(p);
    // Alt goes to the object below the one that is selected here.
    const [selected] = this.desk.selected;
    const id = p.alt && top !== null && this.desk.selected.has(top) ? this.desk.pick(p, selected) ?? top : top;
    if (id === null) {
      this.now = { name: "marquee", from: p, to: p, add: p.shift };
      return;
    }
    const wasSelected = this.desk.selected.has(id);
    if (p.shift) this.desk.toggle(id);
    else if (!wasSelected) this.desk.select([id]);
    this.now = { name: "pressing", at: p, id, wasSelected };
  }

  /** The handle under the pointer: of the one selected object, or of the frame around several. */
  private grip(p: Pointer): { id: number | null; handle: Handle } | null {
    const { desk } = this;
    const reach = p.touch ? TOUCH : GRAB;
    const near = (handles: Handle[]): Handle | null => {
      let best: Handle | null = null;
      for (const h of handles) {
        const d = distance(p, h, desk.metric) + (h.role === "middle" ? 2 : 0);
        if (d <= reach && (!best || d < distance(p, best, desk.metric) + (best.role === "middle" ? 2 : 0))) best = h;
      }
      return best;
    };
    if (desk.selected.size === 1) {
      const [id] = desk.selected;
      const shape = desk.editable(id) ? desk.shapeOf(id) : null;
      const handle = shape && near(kindOf(shape).handles(shape, desk.metric));
      return handle ? { id, handle } : null;
    }
    const box = this.frame();
    const handle = box && near(boxHandles(box));
    return handle ? { id: null, handle } : null;
  }

  /** The frame around several selected objects. */
  private frame(): Bounds | null {
    if (this.desk.selected.size < 2) return null;
    return unionAll([...this.movable().values()].map(boundsFor));
  }

  private movable(): Map<number, Shape> {
    const shapes = new Map<number, Shape>();
    for (const id of this.desk.selected) {
      const shape = this.desk.editable(id) ? this.desk.shapeOf(id) : null;
      if (shape) shapes.set(id, shape);
    }
    return shapes;
  }

  private grab({ id, handle }: { id: number | null; handle: Handle }, p: Pointer): void {
    if (id === null) {
      this.now = { name: "group", handle, shapes: this.movable(), box: this.frame()! };
      return;
    }
    const shape = this.desk.shapeOf(id)!;
    if (p.alt && handle.role === "vertex") return this.remove(id, shape, handle);
    this.now = { name: "handle", id, shape, handle, at: p, moved: false };
  }

  private remove(id: number, shape: Shape, handle: Handle): void {
    const smaller = kindOf(shape).without?.(shape, handle);
    if (!smaller) return this.desk.say("The shape needs this point; delete the object instead");
    this.desk.update(new Map([[id, smaller]]));
    this.over = null;
  }

  move(p: Pointer): void {
    this.last = p;
    const { now, desk } = this;
    if (now.name === "idle") {
      this.over = this.grip(p)?.handle ?? null;
      desk.hover(this.over ? null : this.hovered(p));
      return desk.redraw();
    }
    if (now.name === "pressing" && distance(now.at, p, desk.metric) >= CLICK) this.startMoving(now.at);
    if (this.now.name === "moving") this.show(this.moved(this.now, p));
    if (now.name === "handle") {
      now.moved ||= distance(now.at, p, desk.metric) >= 2;
      if (now.moved) this.show(new Map([[now.id, this.dragged(now, p)]]));
    }
    if (now.name === "group") this.show(this.resized(now, p));
    if (now.name === "marquee") now.to = p;
    desk.redraw();
  }

  private startMoving(from: Point): void {
    const shapes = this.movable();
    const box = unionAll([...shapes.values()].map(boundsFor));
    this.now = box ? { name: "moving", from, shapes, box } : { name: "idle" };
  }

  private moved({ from, shapes, box }: State & { name: "moving" }, p: Pointer): Map<number, Shape> {
    let d = { x: p.x - from.x, y: p.y - from.y };
    // Shift moves along one axis only.
    if (p.shift) d = Math.abs(d.x * this.desk.metric.x) > Math.abs(d.y * this.desk.metric.y) ? { x: d.x, y: 0 } : { x: 0, y: d.y };
    const { x, y } = stayInside(box, d.x, d.y);
    return new Map([...shapes].map(([id, shape]) => [id, kindOf(shape).move(shape, x, y)]));
  }

  private dragged({ id, shape, handle, at }: State & { name: "handle" }, p: Pointer): Shape {
    // The pointer keeps the distance to the handle that it had when it grabbed it.
    const to = { x: handle.x + p.x - at.x, y: handle.y + p.y - at.y };
    const snapped = p.alt || handle.role === "rotate" ? to : this.desk.snap(to, new Set([id]));
    return kindOf(shape).drag(shape, handle, snapped, this.desk.metric);
  }

  private resized({ handle, shapes, box }: State & { name: "group" }, p: Pointer): Map<number, Shape> {
    const to = dragBox(box, handle, { x: Math.min(1, Math.max(0, p.x)), y: Math.min(1, Math.max(0, p.y)) });
    return new Map([...shapes].map(([id, shape]) => [id, kindOf(shape).fit(shape, box, to)]));
  }

  private show(shapes: Map<number, Shape>): void {
    this.shown = shapes;
    this.desk.preview(shapes);
  }

  up(p: Pointer): void {
    const { now, shown } = this;
    this.now = { name: "idle" };
    this.shown = null;
    if (now.name === "pressing") this.clicked(now, p);
    if (now.name === "marquee") this.enclose(now);
    if (shown) {
      this.desk.preview(null);
      this.desk.update(shown);
    }
    this.move(p);
  }

  private clicked({ id, wasSelected }: State & { name: "pressing" }, p: Pointer): void {
    // A plain click on one of several selected objects means that one alone.
    if (wasSelected && !p.shift && this.desk.selected.size > 1) this.desk.select([id]);
  }

  private enclose({ from, to, add }: State & { name: "marquee" }): void {
    const found = distance(from, to, this.desk.metric) < CLICK ? [] : this.desk.within(boxBetween(from, to));
    this.desk.select(add ? [...this.desk.selected, ...found] : found);
  }

  get onPoint(): boolean {
    const [id] = this.desk.selected;
    const shape = this.desk.selected.size === 1 && this.over?.role === "vertex" ? this.desk.shapeOf(id) : null;
    return !!shape && !!kindOf(shape).without;
  }

  /** Delete on a vertex under the pointer removes that vertex, not the object. */
  back(): boolean {
    const [id] = this.desk.selected;
    const shape = this.desk.selected.size === 1 ? this.desk.shapeOf(id) : null;
    if (this.now.name !== "idle" || !shape || this.over?.role !== "vertex" || !kindOf(shape).without) return false;
    this.remove(id, shape, this.over);
    return true;
  }

  cancel(): boolean {
    const busy = this.now.name !== "idle";
    this.now = { name: "idle" };
    this.shown = null;
    this.over = null;
    if (busy) this.desk.preview(null);
    this.desk.redraw();
    return busy;
  }

  draw(canvas: CanvasRenderingContext2D, view: View): void {
    if (this.now.name === "marquee") {
      const b = boxBetween(this.now.from, this.now.to);
      canvas.fillStyle = "#7db4ff22";
      canvas.strokeStyle = "#7db4ff";
      canvas.lineWidth = 1;
      canvas.setLineDash([4, 3]);
      canvas.beginPath();
      canvas.rect(view.x(b.x1), view.y(b.y1), view.x(b.x2) - view.x(b.x1), view.y(b.y2) - view.y(b.y1));
      canvas.fill();
      canvas.stroke();
      canvas.setLineDash([]);
    }
  }
}

export const selectTool: ToolSpec = { id: "select", label: "Select", icon: "pointer", kind: null, make: (desk: Desk) => new SelectTool(desk) };
