// Masks on the canvas: drawn from tiles of one cell for each screen pixel or a little less, only where they are seen. A
// stroke leaves the tiles as they are whose columns it did not touch, and of masks of any size few pixels are kept.

import type { Mask } from "../geometry/kinds.ts";
import { type Style, type View, drawTile } from "./kind.ts";
import { PERIOD, opacities, woven, word } from "./patterns.ts";
import { NONE, type Column, type Spans, differing, noSpans, spansOf, without } from "../geometry/spans.ts";

/** Cells of a side. */
const SIDE = 256;
/** Tiles begin and end at multiples of this, so that a mask that grows does not need new ones at each stroke. */
const GRAIN = 64;
/** Cells beside a tile that its border depends on. */
const EDGE = 2;
/** Cells of all tiles together: 5 bytes each. */
const ROOM = 32e6;
const VARIANTS = 3;
/** Screen pixels of a grid pixel from which on outlines are drawn as lines. */
const COARSE = 2;
/** With a pattern grid pixels are cut into cells down to 2 to the power of this, so that it is as fine at every zoom. */
const FINEST = -5;

/** Cells `x..x+width, y..y+height` of a level, `2 ** level` grid pixels a side. `bits`: the same with `EDGE` more on each side, row by row; `columns` and
 * `spans`: what they were made of. */
interface Tile {
  x: number;
  y: number;
  width: number;
  height: number;
  context: CanvasRenderingContext2D;
  bits: Uint8Array;
  columns: Column[];
  spans: Spans;
}

/** The tiles of a mask in one colour and size, by their place. */
type Tiles = Map<number, Tile>;

/** `fill`: with a pattern, what each cell of its period is painted with instead of `inside`. */
interface Paint {
  level: number;
  inside: number;
  border: number;
  fill: Uint32Array | null;
}

const painted = new WeakMap<Mask, Map<string, Tiles>>();
const parents = new WeakMap<Mask, WeakRef<Mask>>();
/** All tiles with pixels, those used last at the end. */
const used = new Map<Tile, [Tiles, number]>();
let cells = 0;

/** `mask` is `before` with a few pixels more or less: what they have in common need not be drawn again. */
export function inherits(mask: Mask, before: Mask): void {
  parents.set(mask, new WeakRef(before));
}

export function drawMask(mask: Mask, canvas: CanvasRenderingContext2D, view: View, style: Style): void {
  const [w] = mask.size;
  const scale = view.metric.x / w;
  const { pattern } = style;
  // Plain ones among patterns, too: masks on the same cells meet without a seam.
  const patterned = pattern !== undefined;
  const level = Math.max(patterned ? FINEST : 0, Math.floor(Math.log2(1 / scale)));
  const lines = !!style.active && scale > COARSE;
  const opacity = Math.min(1, style.opacity * 1.7 + 0.06);
  const [off, on] = (pattern ? opacities(opacity) : [opacity, opacity]).map((share) => word(style.color, share));
  const paint: Paint = { level, inside: off, border: style.active && !lines ? word(style.color, 1) : 0, fill: pattern ? woven(pattern, off, on) : null };
  const tiles = tilesOf(mask, `${level}/${off}/${paint.border}/${pattern ?? ""}`);
  const seen = seenBy(canvas, mask, view);
  const step = SIDE * 2 ** level;
  // Cells are a little smaller than pixels of the screen: left out row by row, a pattern's lines would be ragged.
  canvas.imageSmoothingEnabled = patterned;
  for (let ty = Math.floor(seen.y1 / step); ty * step < seen.y2; ty++) {
    for (let tx = Math.floor(seen.x1 / step); tx * step < seen.x2; tx++) draw(tileAt(mask, tiles, tx, ty, paint), mask, level, canvas, view);
  }
  if (lines) outline(spansOf(mask), seen, canvas, view, style);
}

/** The grid pixels of the mask's box that are on the canvas. */
function seenBy(canvas: CanvasRenderingContext2D, { size: [w, h], box }: Mask, view: View): { x1: number; y1: number; x2: number; y2: number } {
  const { a, d, e, f } = canvas.getTransform();
  const x = (at: number): number => ((at - view.x(0)) / view.metric.x) * w;
  const y = (at: number): number => ((at - view.y(0)) / view.metric.y) * h;
  return {
    x1: Math.max(box[0], Math.floor(x(-e / a))),
    y1: Math.max(box[1], Math.floor(y(-f / d))),
    x2: Math.min(box[0] + box[2], Math.ceil(x((canvas.canvas.width - e) / a))),
    y2: Math.min(box[1] + box[3], Math.ceil(y((canvas.canvas.height - f) / d))),
  };
}

function tilesOf(mask: Mask, key: string): Tiles {
  let variants = painted.get(mask);
  if (!variants) painted.set(mask, (variants = inherited(mask)));
  let tiles = variants.get(key);
  if (!tiles) {
    variants.set(key, (tiles = new Map()));
    for (const old of variants.keys()) if (variants.size > VARIANTS) variants.delete(old);
  }
  return tiles;
}

/** The tiles of the mask that this one came from; those that still hold stay, the others go when they are looked at. */
function inherited(mask: Mask): Map<string, Tiles> {
  const before = parents.get(mask)?.deref();
  parents.delete(mask);
  const variants = before && painted.get(before);
  if (before) painted.delete(before);
  return variants ?? new Map();
}

function tileAt(mask: Mask, tiles: Tiles, tx: number, ty: number, paint: Paint): Tile | null {
  const scale = 2 ** paint.level;
  const [left, top, width, height] = mask.box;
  const grain = (v: number): number => Math.floor(v / GRAIN) * GRAIN;
  const x1 = Math.max(tx * SIDE, grain(left / scale));
  const x2 = Math.min((tx + 1) * SIDE, grain((left + width) / scale) + GRAIN);
  const y1 = Math.max(ty * SIDE, grain(top / scale));
  const y2 = Math.min((ty + 1) * SIDE, grain((top + height) / scale) + GRAIN);
  if (x2 <= x1 || y2 <= y1) return null;
  const place = ty * 65_536 + tx;
  let tile = tiles.get(place);
  if (tile && (tile.x > x1 || tile.y > y1 || tile.x + tile.width < x2 || tile.y + tile.height < y2)) {
    forget(tile);
    tile = undefined;
  }
  if (!tile) tiles.set(place, (tile = empty(mask, x1, y1, x2 - x1, y2 - y1)));
  refresh(tile, spansOf(mask), paint);
  if (!used.delete(tile)) cells += tile.width * tile.height;
  used.set(tile, [tiles, place]);
  makeRoom(tile);
  return tile;
}

function forget(tile: Tile): void {
  const [tiles, place] = used.get(tile) ?? [];
  if (tiles?.get(place!) === tile) tiles.delete(place!);
  if (used.delete(tile)) cells -= tile.width * tile.height;
}

function makeRoom(keep: Tile): void {
  for (const tile of used.keys()) {
    if (cells <= ROOM || tile === keep) return;
    forget(tile);
  }
}

function empty({ size }: Mask, x: number, y: number, width: number, height: number): Tile {
  const context = document.createElement("canvas").getContext("2d")!;
  [context.canvas.width, context.canvas.height] = [width, height];
  const columns = Array.from({ length: width + 2 * EDGE }, () => NONE);
  return { x, y, width, height, context, bits: new Uint8Array((width + 2 * EDGE) * (height + 2 * EDGE)), columns, spans: noSpans(size) };
}

/** Brings a tile to what the spans are now: only what differs is painted. */
function refresh(tile: Tile, spans: Spans, paint: Paint): void {
  if (tile.spans === spans) return;
  tile.spans = spans;
  const scale = 2 ** paint.level;
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  tile.columns.forEach((before, i) => {
    // A cell is as the pixel in its middle.
    const column = spans.columns[Math.floor((tile.x + i - EDGE + 0.5) * scale) - spans.x] ?? NONE;
    tile.columns[i] = column;
    const rows = column === before ? null : differing(before, column);
    if (!rows) return;
    const from = Math.max(0, Math.floor(rows[0] / scale) - 1 - tile.y + EDGE);
    const to = Math.min(tile.height + 2 * EDGE, Math.ceil(rows[1] / scale) + 1 - tile.y + EDGE);
    if (to <= from) return;
    setColumn(tile, i, column, from, to, scale);
    [x1, y1, x2, y2] = [Math.min(x1, i), Math.min(y1, from), Math.max(x2, i + 1), Math.max(y2, to)];
  });
  if (x2 <= x1) return;
  // What is set beside a cell decides whether it is at the border.
  paintCells(tile, Math.max(0, x1 - 2 * EDGE), Math.max(0, y1 - 2 * EDGE), Math.min(tile.width, x2), Math.min(tile.height, y2), paint);
}

function setColumn({ y, width, bits }: Tile, i: number, column: Column, from: number, to: number, scale: number): void {
  const stride = width + 2 * EDGE;
  for (let row = from; row < to; row++) bits[row * stride + i] = 0;
  for (let k = 0; k < column.length; k += 2) {
    const start = Math.max(from, Math.ceil(column[k] / scale - 0.5) - y + EDGE);
    const end = Math.min(to, Math.ceil(column[k + 1] / scale - 0.5) - y + EDGE);
    for (let row = start; row < end; row++) bits[row * stride + i] = 1;
  }
}

/** Paints the tile's cells `x1..x2, y1..y2` (not included) by its bits. */
function paintCells({ x: left, y: top, width, bits, context }: Tile, x1: number, y1: number, x2: number, y2: number, { inside, border, fill }: Paint): void {
  if (x2 <= x1 || y2 <= y1) return;
  const image = context.createImageData(x2 - x1, y2 - y1);
  const pixels = new Uint32Array(image.data.buffer);
  const stride = width + 2 * EDGE;
  const below = EDGE * stride;
  // Patterns begin at the picture's corner: they stay where they are whatever is painted.
  const phase = (left + x1) % PERIOD;
  let at = 0;
  for (let y = y1; y < y2; y++) {
    let i = (y + EDGE) * stride + EDGE + x1;
    const line = ((top + y) % PERIOD) * PERIOD;
    for (let x = x1, cell = phase; x < x2; x++, i++, at++) {
      if (bits[i]) pixels[at] = border && !(bits[i - EDGE] & bits[i + EDGE] & bits[i - below] & bits[i + below]) ? border : fill ? fill[line + cell] : inside;
      if (++cell === PERIOD) cell = 0;
    }
  }
  context.putImageData(image, x1, y1);
}

function draw(tile: Tile | null, { size: [w, h] }: Mask, level: number, canvas: CanvasRenderingContext2D, view: View): void {
  if (!tile) return;
  const { x, y, width, height } = tile;
  const scale = 2 ** level;
  drawTile(canvas, tile.context.canvas, view, {
    x1: (x * scale) / w, y1: (y * scale) / h, x2: ((x + width) * scale) / w, y2: ((y + height) * scale) / h,
  });
}

/** The borders between pixels that are seen, as lines. */
function outline(spans: Spans, seen: { x1: number; y1: number; x2: number; y2: number }, canvas: CanvasRenderingContext2D, view: View, style: Style): void {
  const [w, h] = spans.size;
  canvas.beginPath();
  const line = (x1: number, y1: number, x2: number, y2: number): void => {
    canvas.moveTo(view.x(x1 / w), view.y(y1 / h));
    canvas.lineTo(view.x(x2 / w), view.y(y2 / h));
  };
  for (let x = seen.x1; x < seen.x2; x++) {
    const column = spans.columns[x - spans.x] ?? NONE;
    for (const y of column) if (y >= seen.y1 && y <= seen.y2) line(x, y, x + 1, y);
    for (const [beside, at] of [[x - 1, x], [x + 1, x + 1]]) {
      const open = without(column, spans.columns[beside - spans.x] ?? NONE);
      for (let k = 0; k < open.length; k += 2) if (open[k] < seen.y2 && open[k + 1] > seen.y1) line(at, open[k], at, open[k + 1]);
    }
  }
  canvas.strokeStyle = style.color;
  canvas.lineWidth = style.width;
  canvas.setLineDash([]);
  canvas.stroke();
}
