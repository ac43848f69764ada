// The canvas: two layers over each other, driven by the workbench. It holds nothing that could not be made anew.

import type { Metric, Point } from "../geometry/plane.ts";
import type { LabelObject } from "../model/document.ts";
import type { Picture } from "./picture.ts";
import { type Light, type Pictures, lit, sizeOf } from "./picture.ts";
import { selectTool } from "../tools/select.ts";
import type { Pointer, Tool } from "../tools/tool.ts";
import { Emitter } from "../store/emitter.ts";
import { Input, type Target } from "./input.ts";
import { Look } from "./look.ts";
import { Overlay, type Pin } from "./overlay.ts";
import { Painter } from "./painter.ts";
import type { Workbench } from "./workbench.ts";
import type { Camera } from "./camera.ts";

export class Editor implements Target {
  readonly camera: Camera;
  readonly look: Look;
  /** A picture came (`small`: a smaller copy of it), or could not be had. */
  readonly shown = new Emitter<{ url: string; error: string | null; small: boolean }>();
  /** What can be done at a place is asked for; `x` and `y` are places of the page. `on`: an object is there. */
  readonly menuWanted = new Emitter<{ x: number; y: number; place: Point; on: boolean }>();
  spaceHeld = false;
  private readonly painter: Painter;
  private readonly overlay: Overlay;
  private readonly input: Input;
  private readonly selecting: Tool;
  private raw: Picture | null = null;
  private stopTiles: (() => void) | null = null;
  private asked: { url: string; small: boolean } | null = null;

  constructor(
    private readonly root: HTMLElement,
    private readonly bench: Workbench,
    /** Shared by all tasks of the page, so that the next one's picture may be there already. */
    readonly pictures: Pictures,
  ) {
    const { store, ontology, settings, selection } = bench.parts;
    this.camera = bench.camera;
    this.look = new Look(store, ontology, settings, bench.parts.semantic);
    const [base, top] = [this.layer("base"), this.layer("top")];
    this.painter = new Painter(base, this.camera, bench.scene, this.look);
    this.overlay = new Overlay(top, this.camera, bench.scene, selection, this.look, bench.editable);
    this.selecting = selectTool.make(bench);
    this.input = new Input(root, this);
    this.wire();
  }

  private layer(name: string): HTMLCanvasElement {
    const canvas = document.createElement("canvas");
    canvas.className = `layer ${name}`;
    canvas.setAttribute("aria-hidden", "true");
    this.root.append(canvas);
    return canvas;
  }

  private wire(): void {
    const { bench, overlay, painter } = this;
    const { settings, selection } = bench.parts;
    bench.previewed.on((shapes) => {
      overlay.previews = shapes;
      painter.omit(new Set(shapes.keys()));
      overlay.request();
    });
    bench.redrawn.on(() => {
      overlay.tool = bench.tool;
      overlay.snapped = bench.snapped;
      overlay.request();
    });
    bench.gaps?.changed.on((places) => settings.get("gaps") && places?.length !== 0 && painter.dirty(places));
    painter.changed.on((busy) => this.root.toggleAttribute("data-busy", busy));
    let hidden = 0;
    selection.changed.on(() => {
      if (selection.hiddenCount !== hidden) painter.dirty(null);
      hidden = selection.hiddenCount;
    });
    settings.changed.on((name) => this.applySetting(name));
    this.applySetting("theme");
    new ResizeObserver(() => this.resize()).observe(this.root);
    this.resize();
    overlay.tool = bench.tool;
  }

  private applySetting(name: string): void {
    const { settings } = this.bench.parts;
    // After all who listen: the page itself puts the theme on.
    queueMicrotask(() => {
      this.look.background = getComputedStyle(this.root).backgroundColor;
      this.painter.dirty(null);
    });
    const { gaps } = this.bench;
    this.painter.veil = gaps && settings.get("gaps") ? (context, view) => gaps.draw(context, view) : null;
    this.overlay.crosshair = settings.get("crosshair");
    this.overlay.named = settings.get("names") !== "never";
    if (["brightness", "contrast", "gamma"].includes(name)) this.relight();
    this.overlay.request();
  }

  private resize(): void {
    const ratio = window.devicePixelRatio || 1;
    this.camera.resize(this.root.clientWidth, this.root.clientHeight);
    this.painter.resize(ratio);
    this.overlay.resize(ratio);
  }

  get picture(): Picture | null {
    return this.raw;
  }

  /** Shows a picture once it is there; the one before stays until then. */
  show(url: string): Promise<void> {
    return this.showWhen(url, false, () => this.pictures.load(url, true));
  }

  /** Shows a very large picture: what is in sight of it. */
  showTiles(url: string, links: { index: string; pack: string }): Promise<void> {
    return this.showWhen(url, false, () => this.pictures.loadTiles(url, links, true));
  }

  /** Shows a smaller copy of the picture at `url` until that is asked for itself. */
  showSmall(url: string, small: string, size: Metric): Promise<void> {
    return this.showWhen(url, true, () => this.pictures.loadSmall(small, size, true));
  }

  private async showWhen(url: string, small: boolean, load: () => Promise<Picture>): Promise<void> {
    const asked = { url, small };
    this.asked = asked;
    try {
      const picture = await load();
      if (this.asked !== asked) return;
      this.take(picture);
      this.shown.emit({ url, error: null, small });
    } catch (error) {
      if (this.asked === asked) this.shown.emit({ url, error: error instanceof Error ? error.message : String(error), small });
    }
  }

  /** Shows what was decoded elsewhere: a frame of a video file. */
  showDecoded(picture: Picture): void {
    this.asked = null;
    this.take(picture);
    this.shown.emit({ url: "", error: null, small: false });
  }

  private take(picture: Picture): void {
    const size = sizeOf(picture);
    if (size.x !== this.camera.size.x || size.y !== this.camera.size.y) this.painter.reset();
    if (this.raw !== picture) {
      this.stopTiles?.();
      this.stopTiles = picture.tiles?.came.on((places) => this.painter.dirty(places)) ?? null;
    }
    this.raw = picture;
    this.camera.show(size);
    this.bench.gaps?.setSize(size);
    this.relight();
  }

  private relight(): void {
    if (!this.raw) return;
    const { settings } = this.bench.parts;
    const light: Light = { brightness: settings.get("brightness"), contrast: settings.get("contrast"), gamma: settings.get("gamma") };
    this.painter.picture = lit(this.raw, light);
    this.painter.dirty(null);
  }

  /** Shows what differs from an earlier state, or (null) the present one alone. */
  compare(then: ReadonlyMap<number, LabelObject> | null): void {
    this.overlay.compare(then);
  }

  /** The comment whose pin is drawn at this place of the canvas. */
  pinAt(x: number, y: number): string | null {
    return this.overlay.pinAt(x, y);
  }

  setPins(pins: Pin[]): void {
    this.overlay.pins = pins;
    this.overlay.request();
  }

  get panning(): boolean {
    return this.spaceHeld || this.bench.toolId === "pan";
  }

  get fingersMove(): boolean {
    const { settings } = this.bench.parts;
    const fingers = settings.get("fingers");
    return fingers === "move" || (fingers === "auto" && settings.get("penSeen"));
  }

  get holds(): boolean {
    return this.bench.toolId === "select";
  }

  get pressure(): boolean {
    return this.bench.parts.settings.get("pressure");
  }

  penUsed(): void {
    const { settings } = this.bench.parts;
    if (settings.get("penSeen")) return;
    settings.set("penSeen", true);
    if (settings.get("fingers") === "auto") this.bench.say("The pen draws, a finger now moves the view. View changes that");
  }

  private toolFor(p: Pointer): Tool {
    // Ctrl with a drawing tool in hand means selecting, unless that tool is in the middle of something.
    const lend = p.ctrl && this.bench.toolSpec.kind !== null && this.bench.tool.state === "idle";
    if (lend) this.bench.lend(this.selecting);
    else if (this.bench.tool === this.selecting && this.selecting.state === "idle" && this.bench.toolId !== "select" && !p.ctrl) this.bench.lend(null);
    return this.bench.tool;
  }

  down(p: Pointer): void {
    this.overlay.pointer = p;
    this.bench.parts.undo.seal();
    this.toolFor(p).down(p);
    this.bench.changed.emit();
  }

  move(p: Pointer): void {
    this.overlay.pointer = p;
    this.bench.snapped = null;
    const tool = this.toolFor(p);
    const before = tool.hint();
    tool.move(p);
    if (tool.state === "idle" && this.bench.toolSpec.kind && this.bench.toolSpec.kind !== "mask") this.bench.snap(p);
    this.overlay.snapped = this.bench.snapped;
    this.overlay.request();
    if (tool.hint() !== before) this.bench.changed.emit();
  }

  up(p: Pointer): void {
    this.overlay.pointer = p;
    this.bench.tool.up(p);
    this.bench.changed.emit();
  }

  double(p: Pointer): void {
    this.bench.tool.double?.(p);
    this.bench.changed.emit();
  }

  leave(): void {
    this.overlay.pointer = null;
    this.overlay.snapped = null;
    this.bench.parts.selection.setHover(null);
    this.overlay.request();
  }

  cancel(): void {
    this.bench.giveUp();
    this.bench.changed.emit();
  }

  retract(): void {
    const { tool } = this.bench;
    if (tool.retract) tool.retract();
    else tool.cancel();
    this.bench.changed.emit();
  }

  /** Means the object under the pointer, if it is none of those selected; in the middle of a shape there is no menu. */
  menu(p: Pointer, x: number, y: number): void {
    const { bench } = this;
    if (bench.tool.state !== "idle") return;
    bench.tool.move(p);
    const id = bench.tool.onPoint ? null : bench.pick(p);
    if (id !== null && !bench.selected.has(id)) bench.select([id]);
    this.menuWanted.emit({ x, y, place: p, on: id !== null || !!bench.tool.onPoint });
  }

  cursor(): string {
    return this.bench.tool.cursor();
  }

  refreshCursor(): void {
    this.input.showCursor();
  }
}
