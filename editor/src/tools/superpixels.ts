// A brush for areas of one colour: the server divides what is in sight into small areas, and each that the pointer touches
// is painted as a whole, or with Alt taken away. Their size is the brush's.

import { type AreaMap, areaAt, areasBetween, rasterOfAreas } from "../geometry/areas-map.ts";
import { withPixels } from "../geometry/areas.ts";
import { type Bounds, clamp01, covers } from "../geometry/plane.ts";
import { maskOf } from "../geometry/raster.ts";
import type { View } from "../shapes/kind.ts";
import { maskInHand } from "./area.ts";
import { Asking } from "./asking.ts";
import type { Desk, Pointer, Tool, ToolSpec } from "./tool.ts";

interface Shown extends AreaMap {
  frame: number;
  size: number;
}

interface Stroke {
  touched: Set<number>;
  removes: boolean;
  from: Pointer;
}

const LEAST = 4;
/** The areas are asked for anew when what is in sight is this much smaller than what they were made for. */
const CLOSER = 2.2;

class SuperpixelTool implements Tool {
  private map: Shown | null = null;
  private stroke: Stroke | null = null;
  private last: Pointer | null = null;
  private failed: string | null = null;
  private borders: { map: Shown; canvas: HTMLCanvasElement } | null = null;
  private readonly asking: Asking;

  constructor(private readonly desk: Desk) {
    this.asking = new Asking(desk);
  }

  get state(): string {
    if (this.stroke) return this.stroke.removes ? "erasing" : "painting";
    return this.asking.busy ? "looking" : "idle";
  }

  hint(): string {
    if (this.asking.busy) return "Dividing the picture into areas…";
    return `Drag over areas to add them to ${maskInHand(this.desk) ? "the selected mask" : "a new mask"}; Alt takes them away, [ and ] change their size, Enter: next object`;
  }

  cursor(): string {
    return this.asking.busy ? "progress" : "crosshair";
  }

  down(p: Pointer): void {
    this.last = p;
    this.failed = null;
    if (!this.fits()) return this.look();
    if (p.alt && !maskInHand(this.desk)) return this.desk.say("Select a mask to take areas from");
    this.stroke = { touched: new Set(), removes: p.alt, from: p };
    this.touch(p);
  }

  move(p: Pointer): void {
    this.last = p;
    if (this.stroke) this.touch(p);
    else if (!this.fits()) this.look();
    this.desk.redraw();
  }

  private touch(p: Pointer): void {
    const { stroke, map } = this;
    if (!stroke || !map) return;
    for (const area of areasBetween(map, stroke.from, p)) stroke.touched.add(area);
    stroke.from = p;
    this.desk.redraw();
  }

  up(): void {
    const { stroke, map } = this;
    this.stroke = null;
    if (!stroke || !map) return;
    const target = maskInHand(this.desk);
    const { x, y } = this.desk.size;
    const found = maskOf(rasterOfAreas(map, stroke.touched, target?.mask.size ?? [x, y]));
    if (found && target) this.desk.update(new Map([[target.id, withPixels(target.mask, found, stroke.removes ? 0 : 1)]]));
    else if (found && !stroke.removes) this.desk.create(found);
    this.desk.redraw();
  }

  finish(): void {
    this.desk.select([]);
  }

  cancel(): boolean {
    const had = this.stroke !== null || this.asking.busy;
    this.stroke = null;
    this.asking.cancel();
    // Areas of a frame that is left are of no use; the next movement asks for others.
    this.map = null;
    this.desk.redraw();
    return had;
  }

  private get part(): Bounds {
    const { x1, y1, x2, y2 } = this.desk.visible;
    return { x1: clamp01(x1), y1: clamp01(y1), x2: clamp01(x2), y2: clamp01(y2) };
  }

  /** Are there areas for what is in sight, of the size wanted? */
  private fits(): boolean {
    const { map, part } = this;
    if (!map || map.frame !== this.desk.frame || map.size !== this.size || !covers(map.part, part)) return false;
    return map.part.x2 - map.part.x1 <= CLOSER * (part.x2 - part.x1) || map.width >= this.desk.size.x * (map.part.x2 - map.part.x1) - 1;
  }

  private get size(): number {
    return Math.max(LEAST, Math.round(this.desk.brush));
  }

  private look(): void {
    const { part, size } = this;
    const frame = this.desk.frame;
    // What failed is asked again by a click, not by every movement.
    const key = JSON.stringify([part, size, frame]);
    if (this.asking.busy || this.failed === key || part.x2 <= part.x1 || part.y2 <= part.y1) return;
    // A little more than is in sight, so that small movements of the view need nothing new.
    const [mx, my] = [0.15 * (part.x2 - part.x1), 0.15 * (part.y2 - part.y1)];
    const wider = { x1: clamp01(part.x1 - mx), y1: clamp01(part.y1 - my), x2: clamp01(part.x2 + mx), y2: clamp01(part.y2 + my) };
    this.asking.ask(
      (signal) => this.desk.help.superpixels(frame, wider, size, signal),
      (areas) => (this.map = { ...areas, part: outward(areas.part, wider), frame, size }),
      () => (this.failed = key),
    );
  }

  draw(canvas: CanvasRenderingContext2D, view: View): void {
    const { map, last } = this;
    if (!map || map.frame !== this.desk.frame) return;
    if (this.borders?.map !== map) this.borders = { map, canvas: bordersOf(map) };
    this.paint(canvas, view, this.borders.canvas, map);
    const hovered = !this.stroke && last ? areaAt(map, last) : null;
    const shown = this.stroke?.touched ?? (hovered === null ? null : new Set([hovered]));
    if (!shown?.size) return;
    const color = this.stroke?.removes ? "#000000" : (this.desk.classInHand?.color ?? "#ffffff");
    this.paint(canvas, view, filledOf(map, shown, color), map);
  }

  private paint(canvas: CanvasRenderingContext2D, view: View, image: HTMLCanvasElement, { part }: Shown): void {
    canvas.imageSmoothingEnabled = false;
    const [x, y] = [view.x(part.x1), view.y(part.y1)];
    canvas.drawImage(image, x, y, view.x(part.x2) - x, view.y(part.y2) - y);
  }
}

/** The server cuts at whole pixels: sides that differ from what was asked by less than a thousandth count as asked. */
function outward(got: Bounds, asked: Bounds): Bounds {
  const near = (a: number, b: number): number => (Math.abs(a - b) < 1e-9 ? b : a);
  return { x1: near(got.x1, asked.x1), y1: near(got.y1, asked.y1), x2: near(got.x2, asked.x2), y2: near(got.y2, asked.y2) };
}

/** A picture of cells: `word` gives each its colour as 0xAABBGGRR, 0 for none. */
function cellsImage({ width, height }: Shown, word: (i: number) => number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(width, height);
  const cells = new Uint32Array(image.data.buffer);
  for (let i = 0; i < cells.length; i++) cells[i] = word(i);
  context.putImageData(image, 0, 0);
  return canvas;
}

function bordersOf(map: Shown): HTMLCanvasElement {
  const { width, labels } = map;
  return cellsImage(map, (i) => ((i % width > 0 && labels[i] !== labels[i - 1]) || (i >= width && labels[i] !== labels[i - width]) ? 0x66ffffff : 0));
}

function filledOf(map: Shown, areas: ReadonlySet<number>, color: string): HTMLCanvasElement {
  const value = Number.parseInt(color.slice(1, 7), 16);
  const word = ((0x90 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
  return cellsImage(map, (i) => (areas.has(map.labels[i]) ? word : 0));
}

export const superpixelTool: ToolSpec = { id: "superpixels", label: "Area brush", icon: "puzzle", kind: "mask", needs: "superpixels", make: (desk: Desk) => new SuperpixelTool(desk) };
