// What tools work on, without any canvas: the document at a frame, the selection, the tool and the class in hand.

import type { Mask, Shape, ShapeType } from "../geometry/kinds.ts";
import type { Bounds, Metric, Point } from "../geometry/plane.ts";
import type { LabelObject } from "../model/document.ts";
import type { Ontology } from "../model/ontology.ts";
import { at, withOutside, withShape } from "../model/track.ts";
import type { LabelClass, Work } from "../model/work.ts";
import { kindLabel, storedForm } from "../shapes/index.ts";
import { inherits } from "../shapes/mask-tiles.ts";
import { Emitter } from "../store/emitter.ts";
import { type Found, type Help, type Model, type Question, modelFor } from "../store/help.ts";
import type { Selection } from "../store/selection.ts";
import type { SettingsStore } from "../store/settings.ts";
import type { Draft, Store } from "../store/store.ts";
import type { Undo } from "../store/undo.ts";
import { TOOLS } from "../tools/index.ts";
import { type Desk, type Tool, type ToolSpec, edits, helped, kindsOf } from "../tools/tool.ts";
import { Camera } from "./camera.ts";
import { below, byHeight, maskAt, settle } from "./exclusive.ts";
import { Gaps } from "./gaps.ts";
import { Scene } from "./scene.ts";

export interface Parts {
  store: Store;
  undo: Undo;
  selection: Selection;
  settings: SettingsStore;
  ontology: Ontology;
  /** Is this item a video, so that new objects are tracks? */
  video: boolean;
  limits: Work["job"]["limits"];
  /** Every pixel belongs to exactly one mask: painting one takes pixels from the others. */
  semantic: boolean;
  /** May this person change the document now? */
  mayEdit(): boolean;
  help: Help;
}

export class Workbench implements Desk {
  readonly camera = new Camera();
  readonly scene: Scene;
  /** In semantic projects: what no mask covers. */
  readonly gaps: Gaps | null;
  /** Tool, class, frame or hint changed. */
  readonly changed = new Emitter();
  readonly previewed = new Emitter<ReadonlyMap<number, Shape | null>>();
  readonly redrawn = new Emitter();
  readonly said = new Emitter<string>();
  readonly framed = new Emitter<number>();
  snapped: Point | null = null;
  private spec: ToolSpec = TOOLS[0];
  private inHand: Tool;
  private hidden: Tool | null = null;
  private className: string | null;
  private readonly lastFor = new Map<ShapeType, string>();
  /** What was half drawn and given up, as long as nothing else was done. */
  private left: { spec: ToolSpec; tool: Tool; frame: number; goOn: () => void } | null = null;
  private resumed: Tool | null = null;
  /** The tool that drew last, or was taken for it. */
  private drawing: string | null = null;

  constructor(readonly parts: Parts) {
    this.scene = new Scene(parts.store, parts.selection, parts.semantic);
    this.gaps = parts.semantic ? new Gaps(this.scene) : null;
    // What comes back leaves others the pixels that they have now.
    if (parts.semantic) parts.undo.mend = (draft) => settle(draft, parts.store, () => false, this.frame);
    this.inHand = this.spec.make(this);
    this.className = parts.ontology.classes[0]?.name ?? null;
    parts.store.onChange((_, origin) => {
      if (origin === "user" || origin === "undo") this.left = this.resumed = null;
    });
  }

  get tool(): Tool {
    return this.hidden ? this.hidden : this.inHand;
  }

  get toolId(): string {
    return this.spec.id;
  }

  get toolSpec(): ToolSpec {
    return this.spec;
  }

  /** Takes another tool; what the last one had half done is dropped. */
  setTool(id: string): void {
    const spec = TOOLS.find((t) => t.id === id);
    if (!spec) return;
    if (edits(spec) && !this.parts.mayEdit()) return this.say("You are looking only; nothing can be drawn here");
    const kind = this.kindFor(kindsOf(spec));
    if (spec.kind && !kind) return this.say(`No class of this project takes the shape ${kindLabel(spec.kind).toLowerCase()}`);
    if (!helped(spec, this.help)) return this.say(spec.needs === "model" ? "This project has no model to ask" : "This server cannot help with that");
    this.drop();
    this.spec = spec;
    this.inHand = spec.make(this);
    if (spec.kind) this.drawing = spec.id;
    if (kind) this.takeClassFor(kind);
    this.changed.emit();
    this.redraw();
  }

  /** A class that takes this kind; said where it is another one than before. */
  private takeClassFor(kind: ShapeType): void {
    const [before, now] = [this.classInHand, this.classFor(kind)!];
    this.className = now.name;
    const { ontology } = this.parts;
    if (before && before.name !== now.name) this.say(`${ontology.label(before.name)} takes no ${kindLabel(kind).toLowerCase()}: ${ontology.label(now.name)} is in hand`);
  }

  /** What the tools in hand have half done is dropped. */
  private drop(): void {
    this.hidden?.cancel();
    this.giveUp(this.inHand);
  }

  /** Cancels what a tool has begun; true when there was something. A shape of several points can be gone on with. */
  giveUp(tool: Tool = this.tool): boolean {
    // What was brought back once and is given up again is meant to go.
    const goOn = tool === this.resumed ? null : tool.kept?.();
    if (tool === this.resumed) this.resumed = null;
    if (goOn) this.left = { spec: this.spec, tool, frame: this.frame, goOn };
    if (goOn) this.say("The half-drawn shape was given up; undo brings it back");
    return tool.cancel();
  }

  /** The frame of what was half drawn and given up, if that can be gone on with. */
  get leftAt(): number | null {
    return this.left && this.parts.mayEdit() ? this.left.frame : null;
  }

  /** Goes on with it, at its frame. */
  resume(): void {
    const { left } = this;
    if (!left || left.frame !== this.frame) return;
    this.setTool(left.spec.id);
    this.inHand = left.tool;
    this.left = null;
    this.resumed = left.tool;
    left.goOn();
    this.changedState();
  }

  /** Takes the tool that drew last again; with a drawing tool in hand, finishes what it has begun. */
  drawAgain(): void {
    if (this.spec.kind) return this.inHand.finish?.();
    const usable = TOOLS.filter((t) => t.kind && helped(t, this.help) && this.kindFor(kindsOf(t)));
    const takes = (t: ToolSpec): boolean => kindsOf(t).some((kind) => this.className !== null && this.parts.ontology.takes(this.className, kind));
    const id = (usable.find((t) => t.id === this.drawing && takes(t)) ?? usable.find(takes) ?? usable[0])?.id;
    if (id) this.setTool(id);
  }

  /** Lends the selecting tool while Ctrl is held, without losing what the tool in hand has begun. */
  lend(tool: Tool | null): void {
    if (!tool) this.hidden?.cancel();
    this.hidden = tool;
    this.redraw();
  }

  /** The class that an object of this kind would get: the one in hand, the last used for it, or the first that fits. */
  classFor(kind: ShapeType): LabelClass | null {
    const { ontology } = this.parts;
    const fits = (name: string | null | undefined): boolean => !!name && ontology.classes.some((c) => c.name === name) && ontology.takes(name, kind);
    const name = [this.className, this.lastFor.get(kind)].find(fits) ?? ontology.classes.find((c) => fits(c.name))?.name;
    return name ? ontology.find(name)! : null;
  }

  kindFor(kinds: readonly ShapeType[]): ShapeType | null {
    const { ontology } = this.parts;
    return kinds.find((kind) => this.className !== null && ontology.takes(this.className, kind)) ?? kinds.find((kind) => this.classFor(kind)) ?? null;
  }

  get help(): Help {
    return this.parts.help;
  }

  get visible(): Bounds {
    return this.camera.visible;
  }

  get classInHand(): LabelClass | null {
    return this.className === null ? null : this.parts.ontology.find(this.className) ?? null;
  }

  /** Takes a class in hand; a tool that cannot draw it gives way to one that can. */
  setClass(name: string): void {
    const { ontology } = this.parts;
    if (!ontology.classes.some((c) => c.name === name)) return;
    this.className = name;
    const takes = (spec: ToolSpec): boolean => kindsOf(spec).some((kind) => ontology.takes(name, kind));
    if (this.spec.kind && !takes(this.spec)) {
      const fitting = TOOLS.find((t) => takes(t) && helped(t, this.help));
      if (fitting) return this.setTool(fitting.id);
    }
    this.changed.emit();
    this.redraw();
  }

  get frame(): number {
    return this.scene.frame;
  }

  setFrame(frame: number): void {
    if (frame === this.frame) return;
    this.drop();
    this.scene.setFrame(frame);
    this.framed.emit(frame);
    this.changed.emit();
  }

  get metric(): Metric {
    return this.camera.metric;
  }

  get size(): Metric {
    return this.camera.size;
  }

  get selected(): ReadonlySet<number> {
    return this.parts.selection.ids;
  }

  modelFor(ask: Question["ask"]): Model | undefined {
    return modelFor(this.help.models, ask, this.parts.settings.get("model"));
  }

  get brush(): number {
    return this.parts.settings.get("brush");
  }

  get(id: number): LabelObject | undefined {
    return this.parts.store.get(id);
  }

  shapeOf(id: number): Shape | null {
    return this.scene.shapeOf(id);
  }

  editable = (id: number): boolean => {
    const object = this.get(id);
    return !!object && !object.locked && !this.parts.selection.held(id) && this.parts.ontology.allows(object.class) && this.parts.mayEdit();
  };

  pick(p: Point, after: number | null = null): number | null {
    return this.scene.pick(p, this.metric, after);
  }

  within(box: Bounds): number[] {
    return this.scene.within(box);
  }

  snap(p: Point, except: ReadonlySet<number> = new Set()): Point {
    const to = this.parts.settings.get("snap") ? this.scene.snap(p, this.metric, except) : p;
    this.snapped = to === p ? null : to;
    return to;
  }

  select(ids: Iterable<number>): void {
    this.parts.selection.set(ids);
  }

  toggle(id: number): void {
    this.parts.selection.toggle(id);
  }

  hover(id: number | null): void {
    this.parts.selection.setHover(id);
  }

  /** Where a new object has its shape: in a video from the present frame on. */
  private placed(shape: Shape): Pick<LabelObject, "shape" | "keyframes"> {
    return this.parts.video ? { keyframes: [{ frame: this.frame, shape }] } : { shape };
  }

  create(drawn: Shape): number | null {
    const { store, ontology, limits } = this.parts;
    const shape = storedForm(drawn);
    const labelClass = this.classFor(drawn.type);
    if (!this.parts.mayEdit() || !labelClass || !shape) return null;
    if (limits.objects && store.size >= limits.objects) {
      this.say(`This job allows ${limits.objects} objects; delete one first`);
      return null;
    }
    const id = store.nextId();
    this.lastFor.set(shape.type, labelClass.name);
    this.change((draft) => draft.put({ id, class: labelClass.name, ...this.placed(shape), attributes: ontology.defaults(labelClass.name) }));
    if (!store.get(id)) return null;
    this.select([id]);
    return id;
  }

  /** Makes one change of the person's, one step of undo. In semantic projects masks that it writes take their pixels from
   * the others, at every frame it writes. `merge`: as in the store. */
  change(make: (draft: Draft) => void, merge?: string): void {
    const { store, semantic } = this.parts;
    const all = (draft: Draft): void => {
      make(draft);
      if (semantic) settle(draft, store, this.editable, this.frame);
      for (const { before, after } of draft.diff.objects.values()) {
        const [was, is] = [maskAt(before, this.frame), maskAt(after, this.frame)];
        if (was && is && was !== is) inherits(is, was);
      }
    };
    store.change("user", all, merge);
  }

  take(found: readonly Found[]): number[] {
    const { store, limits, ontology } = this.parts;
    const room = limits.objects ? Math.max(0, limits.objects - store.size) : found.length;
    if (!this.parts.mayEdit() || !found.length) return [];
    if (found.length > room) this.say(`This job allows ${limits.objects} objects; ${found.length - room} more were found`);
    const ids: number[] = [];
    const masks: Mask[] = [];
    this.change((draft) => {
      for (const { class: name, shape, attributes, score } of found.slice(0, room)) {
        // Masks of one answer may overlap: the first keeps the pixels.
        const own = this.parts.semantic && shape.type === "mask" ? below(shape, masks) : shape;
        if (!own) continue;
        if (own.type === "mask") masks.push(own);
        const id = store.nextId();
        draft.put({ id, class: name, ...this.placed(own), attributes: { ...ontology.defaults(name), ...attributes }, source: "model", score: score ?? null });
        ids.push(id);
      }
    });
    const there = ids.filter((id) => store.get(id));
    this.select(there);
    return there;
  }

  update(shapes: ReadonlyMap<number, Shape | null>): void {
    const { store } = this.parts;
    this.change((draft) => {
      for (const [id, shape] of shapes) {
        const object = store.get(id);
        if (!object || !this.editable(id)) continue;
        const form = shape && storedForm(shape);
        if (form) draft.put(withShape(object, this.frame, form));
        else if (shape) continue;
        else if ((object.keyframes?.length ?? 0) > 1) draft.put(withOutside(object, this.frame, true));
        else draft.delete(id);
      }
    });
  }

  /** Puts finished objects in, such as copies. In semantic projects each mask takes the pixels it needs. */
  insert(objects: LabelObject[]): void {
    this.change((draft) => objects.forEach((object) => draft.put(object)));
  }

  /** What is shown of an object at any frame: in semantic projects without what lies under others there. */
  lookAt(object: LabelObject, frame: number): Shape | null {
    const shape = at(object, frame)?.shape ?? null;
    if (!this.parts.semantic || shape?.type !== "mask") return shape;
    const uppers = [...this.parts.store.objects].filter((other) => byHeight(object, other) < 0);
    return below(shape, uppers.map((upper) => maskAt(upper, frame)).filter((mask) => mask !== null));
  }

  preview(shapes: ReadonlyMap<number, Shape | null> | null): void {
    this.previewed.emit(shapes ?? new Map());
  }

  redraw(): void {
    this.redrawn.emit();
  }

  changedState(): void {
    this.changed.emit();
    this.redraw();
  }

  say(text: string): void {
    this.said.emit(text);
  }
}
