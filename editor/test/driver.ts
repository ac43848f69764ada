// Drives the workbench as a person would, without a browser: press, move, let go, in pixels of a 1000 x 500 picture.

import { Input, type Target } from "../src/editor/input.ts";
import { Workbench } from "../src/editor/workbench.ts";
import type { LabelObject } from "../src/model/document.ts";
import { Ontology } from "../src/model/ontology.ts";
import type { Attribute, LabelClass } from "../src/model/work.ts";
import { Selection } from "../src/store/selection.ts";
import { SettingsStore } from "../src/store/settings.ts";
import { Store } from "../src/store/store.ts";
import { Undo } from "../src/store/undo.ts";
import type { Pointer } from "../src/tools/tool.ts";
import { AskedHelp } from "./asked-help.ts";

export const W = 1000;
export const H = 500;

export const CLASSES: LabelClass[] = [
  { name: "car", color: "#4e9af1" },
  { name: "person", color: "#e69f00", shapes: ["skeleton"], skeleton: { points: [{ name: "head", x: 0.5, y: 0 }, { name: "foot", x: 0.5, y: 1 }], edges: [[0, 1]] } },
  { name: "road", color: "#2fb58a", shapes: ["mask", "polygon"] },
];

interface Setup {
  objects?: LabelObject[];
  attributes?: Attribute[];
  video?: boolean;
  limits?: { objects?: number };
  readOnly?: boolean;
  semantic?: boolean;
}

type Held = Partial<Pick<Pointer, "shift" | "alt" | "ctrl" | "touch">>;

export class Driver {
  readonly store: Store;
  readonly undo: Undo;
  readonly selection: Selection;
  readonly settings = new SettingsStore(null);
  readonly bench: Workbench;
  /** The server's help, answered by the test. */
  readonly help = new AskedHelp();
  said = "";
  /** Where the menu was asked for. */
  readonly menus: [number, number][] = [];
  /** Where set, pointers go through it as they do in a browser. */
  glass: Glass | null = null;
  /** The pointer is down. */
  held = false;

  constructor({ objects = [], attributes = [], video = false, limits = {}, readOnly = false, semantic = false }: Setup = {}) {
    this.store = new Store({ objects });
    this.undo = new Undo(this.store);
    this.selection = new Selection(this.store);
    const job = { uid: "j", name: "job", instructions: "", allowed_classes: null, allowed_attributes: null, read_only_attributes: [], limits };
    const ontology = new Ontology({ ontology: { classes: CLASSES, attributes }, job, task: { stage: "label" } });
    const { store, undo, selection, settings } = this;
    this.bench = new Workbench({ store, undo, selection, settings, ontology, video, limits, semantic, mayEdit: () => !readOnly, help: this.help });
    this.bench.camera.width = W;
    this.bench.camera.height = H;
    this.bench.camera.size = { x: W, y: H };
    this.bench.said.on((text) => (this.said = text));
  }

  take(tool: string): this {
    this.bench.setTool(tool);
    return this;
  }

  private at(x: number, y: number, held: Held): Pointer {
    return { x: x / W, y: y / H, shift: false, alt: false, ctrl: false, touch: false, ...held };
  }

  private send(type: "down" | "move" | "up", x: number, y: number, held: Held): this {
    if (this.glass) this.glass.send(type, x, y, { altKey: !!held.alt, shiftKey: !!held.shift, buttons: this.held ? 1 : 0 });
    else this.bench.tool[type](this.at(x, y, held));
    return this;
  }

  down(x: number, y: number, held: Held = {}): this {
    this.held = true;
    return this.send("down", x, y, held);
  }

  move(x: number, y: number, held: Held = {}): this {
    return this.send("move", x, y, held);
  }

  up(x: number, y: number, held: Held = {}): this {
    this.held = false;
    return this.send("up", x, y, held);
  }

  click(x: number, y: number, held: Held = {}): this {
    return this.move(x, y, held).down(x, y, held).up(x, y, held);
  }

  drag(from: [number, number], to: [number, number], held: Held = {}): this {
    const middle: [number, number] = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
    return this.move(...from, held).down(...from, held).move(...middle, held).move(...to, held).up(...to, held);
  }

  enter(): this {
    this.bench.tool.finish?.();
    return this;
  }

  escape(): this {
    this.bench.tool.cancel();
    return this;
  }

  get objects(): LabelObject[] {
    return [...this.store.objects];
  }

  get only(): LabelObject {
    if (this.objects.length !== 1) throw new Error(`${this.objects.length} objects`);
    return this.objects[0];
  }
}

/** An element that pointers come to: events without a browser. */
export class Glass extends EventTarget {
  readonly style: Record<string, string> = {};
  private time = 10_000;

  getBoundingClientRect(): { left: number; top: number } {
    return { left: 0, top: 0 };
  }

  focus(): void {}
  setPointerCapture(): void {}

  /** Time goes by, in milliseconds. */
  wait(ms: number): this {
    this.time += ms;
    return this;
  }

  /** One pointer event; times are 10 ms apart. */
  send(type: "down" | "move" | "up" | "cancel", x: number, y: number, more: Partial<PointerEvent> = {}): this {
    const event = new Event(`pointer${type}`);
    const button = type === "move" ? -1 : 0;
    const fields = { clientX: x, clientY: y, button, buttons: type === "up" ? 0 : 1, pointerId: 1, pointerType: "mouse", pressure: 0.5, shiftKey: false, altKey: false, ctrlKey: false, metaKey: false, ...more, timeStamp: (this.time += 10) };
    for (const [name, value] of Object.entries(fields)) Object.defineProperty(event, name, { value });
    this.dispatchEvent(event);
    return this;
  }
}

/** The workbench behind a glass, as the editor puts it there: what pointers do, without a canvas. */
export function behindGlass(d: Driver): Glass {
  const glass = new Glass();
  const target: Target = {
    camera: d.bench.camera,
    get panning() { return d.bench.toolId === "pan"; },
    get fingersMove() { return d.settings.get("fingers") === "move" || (d.settings.get("fingers") === "auto" && d.settings.get("penSeen")); },
    get pressure() { return d.settings.get("pressure"); },
    get holds() { return d.bench.toolId === "select"; },
    penUsed: () => d.settings.set("penSeen", true),
    retract: () => (d.bench.tool.retract ? d.bench.tool.retract() : void d.bench.tool.cancel()),
    menu: (p) => void d.menus.push([Math.round(p.x * W), Math.round(p.y * H)]),
    down: (p) => d.bench.tool.down(p),
    move: (p) => d.bench.tool.move(p),
    up: (p) => d.bench.tool.up(p),
    double: (p) => d.bench.tool.double?.(p),
    leave: () => undefined,
    cancel: () => void d.bench.tool.cancel(),
    cursor: () => "default",
  };
  new Input(glass as unknown as HTMLElement, target);
  return glass;
}

/** A box object in pixels. */
export const box = (id: number, x1: number, y1: number, x2: number, y2: number, more: Partial<LabelObject> = {}): LabelObject => ({
  id, class: "car", shape: { type: "rectangle", box: [x1 / W, y1 / H, x2 / W, y2 / H] }, ...more,
});

/** Fractions as pixels of the picture, rounded to a hundredth. */
export const px = (points: number[]): number[] => points.map((v, i) => Math.round(v * (i % 2 ? H : W) * 100) / 100);
