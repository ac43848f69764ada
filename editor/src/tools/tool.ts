// A tool is a small state machine that turns pointer and keys into changes. It sees the editor only through a `Desk`.

import type { Shape, ShapeType } from "../geometry/kinds.ts";
import type { Bounds, Metric, Point } from "../geometry/plane.ts";
import type { LabelObject } from "../model/document.ts";
import type { LabelClass } from "../model/work.ts";
import type { View } from "../shapes/kind.ts";
import type { Found, Help, HelpTool, Model, Question } from "../store/help.ts";

/** Where the pointer is, in fractions (also outside the picture), and what is held down with it. */
export interface Pointer extends Point {
  shift: boolean;
  alt: boolean;
  ctrl: boolean;
  touch: boolean;
  /** How hard a pen is pressed, 0 to 1, where that is to count. */
  pressure?: number;
}

/** What a tool may see and do. */
export interface Desk {
  readonly frame: number;
  /** Screen pixels per fraction. */
  readonly metric: Metric;
  /** The picture's pixels. */
  readonly size: Metric;
  readonly selected: ReadonlySet<number>;
  /** The class that new objects get. */
  readonly classInHand: LabelClass | null;
  /** Radius of the brush in the picture's pixels. */
  readonly brush: number;
  /** What the server finds in the picture, and the user's own models. */
  readonly help: Help;
  /** The user's own model that is asked about this, if there is one. */
  modelFor(ask: Question["ask"]): Model | undefined;
  /** The part of the picture in sight. */
  readonly visible: Bounds;
  /** The first of these kinds that the class in hand takes, else that any class takes. */
  kindFor(kinds: readonly ShapeType[]): ShapeType | null;
  get(id: number): LabelObject | undefined;
  shapeOf(id: number): Shape | null;
  /** May the person change it? Not when locked, hidden or just looking. */
  editable(id: number): boolean;
  /** The object under the pointer that a click would mean. `after`: the next one below it. */
  pick(p: Point, after?: number | null): number | null;
  within(box: Bounds): number[];
  /** The place nearby that others have (a vertex, an edge), or `p` itself. */
  snap(p: Point, except?: ReadonlySet<number>): Point;
  select(ids: Iterable<number>): void;
  toggle(id: number): void;
  hover(id: number | null): void;
  /** Makes an object of the class in hand and selects it. */
  create(shape: Shape): number | null;
  update(shapes: ReadonlyMap<number, Shape | null>): void;
  /** Makes objects of what a model found, in one step, and selects them. */
  take(found: readonly Found[]): number[];
  /** Shows shapes in place of the stored ones until `null`. A null shape shows nothing. */
  preview(shapes: ReadonlyMap<number, Shape | null> | null): void;
  /** The tool's own drawing has changed. */
  redraw(): void;
  /** The tool's state has changed without anybody's hand: an answer came. */
  changedState(): void;
  /** Has the same kind's tool already been told why it cannot draw? Says it once in the status line. */
  say(text: string): void;
}

export interface Tool {
  /** The name of its state, for the status line and for tests. */
  readonly state: string;
  /** What to do next, in one line. */
  hint(): string;
  cursor(): string;
  down(p: Pointer): void;
  move(p: Pointer): void;
  up(p: Pointer): void;
  double?(p: Pointer): void;
  /** Enter. */
  finish?(): void;
  /** Backspace or Delete; true when the tool took it. */
  back?(): boolean;
  /** What `back` took off the shape is put on again; true when there was something. */
  again?(): boolean;
  /** A second finger came: the press just made was none. What was there before it stays. Without it: `cancel`. */
  retract?(): void;
  /** The way to go on with what is half drawn after it was cancelled; null when it is hardly worth it. */
  kept?(): (() => void) | null;
  /** The pointer is over a single point of the selected object, which `back` takes away. */
  readonly onPoint?: boolean;
  /** Esc, another tool, another task: nothing half-done remains. True when there was something to cancel. */
  cancel(): boolean;
  draw(canvas: CanvasRenderingContext2D, view: View): void;
}

/** One line of the toolbar. */
export interface ToolSpec {
  id: string;
  label: string;
  icon: string;
  /** The kind of shape that it draws; null for tools that only change. */
  kind: ShapeType | null;
  /** What a tool that only changes works on; none: anything. */
  changes?: readonly ShapeType[];
  /** Further kinds that it can draw. */
  also?: readonly ShapeType[];
  /** It is there only where the server can help with this, or has a model to ask. */
  needs?: HelpTool | "model";
  make(desk: Desk): Tool;
}

/** All kinds that the tool can draw, the usual one first. */
export const kindsOf = (spec: ToolSpec): readonly ShapeType[] => (spec.kind ? [spec.kind, ...(spec.also ?? [])] : []);

/** Does it draw or change, so that it is of no use to those who only look? */
export const edits = (spec: ToolSpec): boolean => spec.kind !== null || spec.changes !== undefined;

/** Can this tool work here? */
export const helped = (spec: ToolSpec, help: Pick<Help, "tools" | "models">): boolean =>
  !spec.needs || (spec.needs === "model" ? help.models.some((m) => m.asks.some((ask) => ask !== "whole")) : help.tools.includes(spec.needs));

/** Screen pixels that a press may move and still be a click. */
export const CLICK = 4;

export const SKETCH = "#ffffff";

/** A line of dots for what is being drawn, dark under light so that it shows on any picture. */
export function sketch(canvas: CanvasRenderingContext2D, color: string): void {
  canvas.setLineDash([]);
  canvas.strokeStyle = "#000000a0";
  canvas.lineWidth = 3.5;
  canvas.stroke();
  canvas.strokeStyle = color;
  canvas.lineWidth = 1.5;
  canvas.stroke();
}
