// The second canvas: what is selected, hovered, being changed or drawn, with handles; redrawn whole at each move.

import type { Shape } from "../geometry/kinds.ts";
import { type Point, distance, unionAll } from "../geometry/plane.ts";
import { boundsFor, kindOf } from "../shapes/index.ts";
import type { Handle } from "../shapes/kind.ts";
import { boxHandles } from "../shapes/rectangle.ts";
import type { Selection } from "../store/selection.ts";
import type { Tool } from "../tools/tool.ts";
import type { LabelObject } from "../model/document.ts";
import type { Camera } from "./camera.ts";
import { type Differences, differences, drawDifferences } from "./comparison.ts";
import type { Look } from "./look.ts";
import type { Scene } from "./scene.ts";

/** Beyond this many selected objects only their boxes are marked. */
const DETAILED = 200;
const VERTICES = 80;
const NEAR = 90;
/** A pin's head above its place, and how near to its middle a click is on it. */
const HEAD = 15;
const REACH = 10;

/** A comment's place, or any other numbered mark. */
export interface Pin extends Point {
  id: string;
  text: string;
  done: boolean;
}

export class Overlay {
  tool: Tool | null = null;
  previews: ReadonlyMap<number, Shape | null> = new Map();
  pins: Pin[] = [];
  pointer: Point | null = null;
  snapped: Point | null = null;
  crosshair = false;
  named = true;
  /** Objects of an earlier state to compare with. */
  private then: ReadonlyMap<number, LabelObject> | null = null;
  private differences: Differences | null = null;
  private requested = false;
  private ratio = 1;
  private readonly context: CanvasRenderingContext2D;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly camera: Camera,
    private readonly scene: Scene,
    private readonly selection: Selection,
    private readonly look: Look,
    private readonly editable: (id: number) => boolean,
  ) {
    this.context = canvas.getContext("2d")!;
    camera.changed.on(() => this.request());
    selection.changed.on(() => this.request());
    scene.dirtied.on(() => {
      if (this.then) this.differences = differences(this.then, scene);
      this.request();
    });
  }

  /** Shows what differs from these objects, or (null) nothing of it. */
  compare(then: ReadonlyMap<number, LabelObject> | null): void {
    this.then = then;
    this.differences = then && differences(then, this.scene);
    this.request();
  }

  resize(ratio: number): void {
    this.ratio = ratio;
    this.canvas.width = Math.round(this.camera.width * ratio);
    this.canvas.height = Math.round(this.camera.height * ratio);
    this.request();
  }

  request(): void {
    if (this.requested) return;
    this.requested = true;
    requestAnimationFrame(() => {
      this.requested = false;
      this.paint();
    });
  }

  private shapeOf(id: number): Shape | null {
    return this.previews.has(id) ? this.previews.get(id)! : this.scene.shapeOf(id);
  }

  private paint(): void {
    const { context, camera, selection } = this;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, camera.width, camera.height);
    if (this.differences) drawDifferences(context, camera, this.differences, this.scene);
    const hovered = selection.hover;
    if (hovered !== null && !selection.has(hovered) && !selection.hidden(hovered)) this.paintHovered(hovered);
    if (selection.ids.size > DETAILED) this.paintMany();
    else for (const id of selection.ids) this.paintSelected(id);
    for (const [id, shape] of this.previews) if (shape && !selection.has(id)) kindOf(shape).draw(shape, context, camera, this.look.style(id));
    this.tool?.draw(context, camera);
    this.paintHandles();
    this.pins.forEach((pin) => this.paintPin(pin));
    this.paintPointer();
  }

  private paintHovered(id: number): void {
    const shape = this.scene.shapeOf(id);
    if (!shape) return;
    const style = this.look.style(id, true);
    kindOf(shape).draw(shape, this.context, this.camera, { ...style, pattern: style.pattern && 0, width: style.width + 1, opacity: shape.type === "mask" ? 0.1 : Math.min(0.35, style.opacity + 0.12) });
    if (this.named) this.look.name(this.context, this.camera, id, boundsFor(shape));
  }

  private paintSelected(id: number): void {
    const shape = this.shapeOf(id);
    if (!shape || this.selection.hidden(id)) return;
    const { context, camera, look } = this;
    const style = look.style(id, true);
    const changing = this.previews.has(id);
    const kind = kindOf(shape);
    // A light halo under the colour keeps the outline visible on any picture.
    if (shape.type !== "mask") kind.draw(shape, context, camera, { ...style, color: "#ffffff", opacity: 0, width: style.width + 3, active: false });
    kind.draw(shape, context, camera, { ...style, opacity: changing || shape.type === "mask" ? style.opacity : 0, width: style.width });
    if (this.named && this.selection.ids.size === 1) look.name(context, camera, id, boundsFor(shape), kind.measure(shape, camera.size));
  }

  private paintMany(): void {
    const { context, camera } = this;
    context.strokeStyle = "#ffffff";
    context.lineWidth = 1;
    context.setLineDash([]);
    context.beginPath();
    for (const id of this.selection.ids) {
      const shape = this.shapeOf(id);
      if (!shape) continue;
      const b = boundsFor(shape);
      context.rect(camera.x(b.x1), camera.y(b.y1), camera.x(b.x2) - camera.x(b.x1), camera.y(b.y2) - camera.y(b.y1));
    }
    context.stroke();
  }

  private paintHandles(): void {
    const { selection } = this;
    if (selection.ids.size === 1) {
      const id = selection.only!;
      const shape = this.shapeOf(id);
      if (!shape || !this.editable(id) || selection.hidden(id)) return;
      this.handlesNear(kindOf(shape).handles(shape, this.camera.metric)).forEach((h) => this.paintHandle(h));
    } else if (selection.ids.size > 1 && selection.ids.size <= DETAILED) {
      const shapes = [...selection.ids].filter(this.editable).map((id) => this.shapeOf(id)).filter((shape) => shape !== null);
      const frame = unionAll(shapes.map(boundsFor));
      if (frame) boxHandles(frame).forEach((h) => this.paintHandle(h));
    }
  }

  /** All handles of simple shapes; of crowded ones only those near the pointer. Middles always only near it. */
  private handlesNear(handles: Handle[]): Handle[] {
    const { pointer } = this;
    const crowded = handles.length > VERTICES;
    const close = (h: Handle): boolean => pointer !== null && distance(pointer, h, this.camera.metric) < NEAR;
    return handles.filter((h) => (h.role === "middle" || crowded ? close(h) : true));
  }

  private paintHandle(handle: Handle): void {
    const { context, camera } = this;
    const [x, y] = [camera.x(handle.x), camera.y(handle.y)];
    const over = this.pointer !== null && distance(this.pointer, handle, camera.metric) <= 8;
    const radius = handle.role === "middle" ? 3 : over ? 6 : 4.5;
    context.beginPath();
    if (handle.role === "corner" || handle.role === "edge") context.rect(x - radius + 0.5, y - radius + 0.5, 2 * radius - 1, 2 * radius - 1);
    else context.arc(x, y, radius, 0, 2 * Math.PI);
    context.setLineDash([]);
    context.fillStyle = handle.faint ? "#15171b80" : handle.role === "middle" ? "#ffffffb0" : "#ffffff";
    context.fill();
    context.lineWidth = 1.25;
    context.strokeStyle = handle.faint ? "#ffffffb0" : "#111318";
    context.stroke();
    if (over && handle.label) this.look.note(context, handle.label, x + 9, y - 7);
  }

  /** The uppermost pin whose head is at this place of the canvas, if it is of a comment. */
  pinAt(x: number, y: number): string | null {
    const { camera } = this;
    return this.pins.findLast((pin) => Math.hypot(camera.x(pin.x) - x, camera.y(pin.y) - HEAD - y) <= REACH)?.id || null;
  }

  private paintPin(pin: Pin): void {
    const { context, camera } = this;
    const [x, y] = [camera.x(pin.x), camera.y(pin.y)];
    context.beginPath();
    context.moveTo(x, y);
    context.arc(x, y - HEAD, 9, 0.75 * Math.PI, 0.25 * Math.PI);
    context.closePath();
    context.fillStyle = pin.done ? "#5d6673" : "#f5b83d";
    context.fill();
    context.lineWidth = 1.25;
    context.strokeStyle = "#15171b";
    context.setLineDash([]);
    context.stroke();
    context.fillStyle = "#15171b";
    context.font = "700 10px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(pin.text, x, y - 11.5);
    context.textAlign = "start";
  }

  private paintPointer(): void {
    const { context, camera, pointer, snapped } = this;
    if (snapped) {
      context.beginPath();
      context.arc(camera.x(snapped.x), camera.y(snapped.y), 6, 0, 2 * Math.PI);
      context.strokeStyle = "#ff5ac8";
      context.lineWidth = 2;
      context.setLineDash([]);
      context.stroke();
    }
    if (!this.crosshair || !pointer) return;
    context.beginPath();
    const [x, y] = [Math.round(camera.x(pointer.x)) + 0.5, Math.round(camera.y(pointer.y)) + 0.5];
    context.moveTo(0, y);
    context.lineTo(camera.width, y);
    context.moveTo(x, 0);
    context.lineTo(x, camera.height);
    context.setLineDash([4, 4]);
    context.lineWidth = 1;
    context.strokeStyle = "#ffffffa0";
    context.stroke();
    context.setLineDash([]);
  }
}
