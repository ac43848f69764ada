// Very large pictures: only the tiles in sight are fetched, at the size at which they are seen, and few of them kept.

import type { Bounds } from "../geometry/plane.ts";
import { type View, drawTile } from "../shapes/kind.ts";
import { Emitter } from "../store/emitter.ts";
import { type Level, decoded, release } from "./decoding.ts";
import { Queue } from "./queue.ts";

/** What the server's index says: level 0 is the picture itself, each further one half as large; `tiles`: offset and length
 * of each in the pack, by rows. */
export interface TileIndex {
  width: number;
  height: number;
  side: number;
  levels: { width: number; height: number; tiles: number[] }[];
}

/** Tiles that are kept: 1 MB each. More than a large screen shows. */
const KEPT = 256;
const BATCH = 40;

interface Tile {
  level: number;
  column: number;
  row: number;
  image: Level | null;
  /** The image under another light. */
  lit: Level | null;
}

const keyOf = ({ level, column, row }: Pick<Tile, "level" | "column" | "row">): number => (level * 65_536 + row) * 65_536 + column;

/** The picture on the screen: of others no tiles are kept. */
let drawn: Tiles | null = null;

export class Tiles {
  /** Tiles came: the places that look different now. */
  readonly came = new Emitter<Bounds[]>();
  /** Changes the light of each tile before it is drawn; null: they are drawn as they are. */
  private relight: ((image: Level) => Level) | null = null;
  private readonly kept = new Map<number, Tile>();
  // What cannot be had stays as it is in the smaller picture, and is asked for again when the view moves.
  private readonly wanted = new Queue<Tile>((tile) => this.bring(tile));
  private fresh: Bounds[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly index: TileIndex,
    private readonly pack: string,
  ) {}

  /** Opens a picture by the addresses of its index and its pack; the smallest level is there at once. */
  static async open(indexUrl: string, pack: string): Promise<{ tiles: Tiles; overview: Level }> {
    const answer = await fetch(indexUrl, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(`The picture answered ${answer.status}`);
    const tiles = new Tiles((await answer.json()) as TileIndex, pack);
    return { tiles, overview: await tiles.overview() };
  }

  get size(): { x: number; y: number } {
    return { x: this.index.width, y: this.index.height };
  }

  private async overview(): Promise<Level> {
    const last = this.index.levels.length - 1;
    const { width, height } = this.index.levels[last];
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d", { alpha: false })!;
    const { side } = this.index;
    const columns = Math.ceil(width / side);
    const places = Array.from({ length: columns * Math.ceil(height / side) }, (_, i) => [i % columns, Math.floor(i / columns)]);
    await Promise.all(places.map(async ([column, row]) => {
      const image = await this.fetch(last, column, row);
      context.drawImage(image, column * side, row * side);
      release(image);
    }));
    return canvas;
  }

  private async fetch(level: number, column: number, row: number): Promise<Level> {
    const { width, tiles } = this.index.levels[level];
    const at = 2 * (row * Math.ceil(width / this.index.side) + column);
    return (await decoded(this.pack, Infinity, [tiles[at], tiles[at] + tiles[at + 1]]))[0];
  }

  setLight(relight: ((image: Level) => Level) | null): void {
    this.relight = relight;
    for (const tile of this.kept.values()) tile.lit = null;
  }

  /** Draws what is there of the places in sight (screen pixels), and fetches the rest. `zoom`: screen pixels per pixel. */
  draw(context: CanvasRenderingContext2D, view: View, zoom: number, left: number, top: number, right: number, bottom: number): void {
    if (drawn !== this) drawn?.close();
    drawn = this;
    const { levels, side } = this.index;
    const number = Math.min(levels.length - 1, Math.max(0, Math.floor(Math.log2(1 / zoom))));
    if (number === levels.length - 1) return this.wanted.want([]);
    const { width, height } = levels[number];
    const unit = { x: view.metric.x / width, y: view.metric.y / height };
    const first = (from: number, origin: number, size: number): number => Math.max(0, Math.floor((from - origin) / size / side));
    const last = (to: number, origin: number, size: number, end: number): number => Math.min(Math.ceil(end / side), Math.ceil((to - origin) / size / side));
    const columns = [first(left, view.x(0), unit.x), last(right, view.x(0), unit.x, width)];
    const rows = [first(top, view.y(0), unit.y), last(bottom, view.y(0), unit.y, height)];
    const missing: Tile[] = [];
    for (let row = rows[0]; row < rows[1]; row++) {
      for (let column = columns[0]; column < columns[1]; column++) {
        const tile = this.tile(number, column, row);
        if (tile.image) this.drawTile(context, view, tile);
        else missing.push(tile);
      }
    }
    const middle = [(columns[0] + columns[1] - 1) / 2, (rows[0] + rows[1] - 1) / 2];
    const far = (tile: Tile): number => Math.hypot(tile.column - middle[0], tile.row - middle[1]);
    this.wanted.want(missing.sort((a, b) => far(a) - far(b)));
  }

  private tile(level: number, column: number, row: number): Tile {
    const key = keyOf({ level, column, row });
    const tile = this.kept.get(key) ?? { level, column, row, image: null, lit: null };
    this.kept.delete(key);
    this.kept.set(key, tile);
    for (const [old, gone] of this.kept) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(old);
      if (gone.image) release(gone.image);
      gone.image = null;
    }
    return tile;
  }

  private drawTile(context: CanvasRenderingContext2D, view: View, tile: Tile): void {
    if (this.relight) tile.lit ??= this.relight(tile.image!);
    const image = tile.lit ?? tile.image!;
    drawTile(context, image, view, this.place(tile, image));
  }

  private place({ level, column, row }: Tile, image: Level): Bounds {
    const { width, height } = this.index.levels[level];
    const [x, y] = [column * this.index.side, row * this.index.side];
    return { x1: x / width, y1: y / height, x2: (x + image.width) / width, y2: (y + image.height) / height };
  }

  private async bring(tile: Tile): Promise<void> {
    this.take(tile, await this.fetch(tile.level, tile.column, tile.row));
  }

  private take(tile: Tile, image: Level): void {
    if (this.kept.get(keyOf(tile)) !== tile || tile.image) return release(image);
    tile.image = image;
    this.fresh.push(this.place(tile, image));
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.came.emit(this.fresh.splice(0));
    }, BATCH);
  }

  /** Forgets all tiles. */
  close(): void {
    this.wanted.want([]);
    clearTimeout(this.timer);
    for (const { image } of this.kept.values()) if (image) release(image);
    this.kept.clear();
  }

  /** Is there anything in sight that is still to come? */
  get busy(): boolean {
    return this.wanted.busy;
  }
}
